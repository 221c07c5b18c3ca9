// What an answer took: asked for while the button is pressed, and shown below GraphiQL instead of in the answer.
"use strict";

/* exported Explain */
const Explain = (() => {
  const KEY = "tripgate.explain";
  const button = document.getElementById("explain");
  const shown = document.getElementById("explanation");
  let on = false;

  function make(tag, text = "", more = {}) {
    const element = document.createElement(tag);
    element.textContent = text;
    Object.assign(element, more);
    return element;
  }

  function turn(to) {
    on = to;
    if (on) sessionStorage.setItem(KEY, "true");
    else sessionStorage.removeItem(KEY);
    button.setAttribute("aria-pressed", String(on));
    if (on && !shown.hasChildNodes()) none("Run something to see what its answer took.");
    shown.hidden = !on;
  }

  // Where explanations are given: the button, as it was left before a reload.
  function show(given) {
    button.hidden = !given;
    if (!given) return;
    button.addEventListener("click", () => turn(!on));
    turn(sessionStorage.getItem(KEY) === "true");
  }

  function none(text) {
    shown.replaceChildren(make("p", text));
  }

  // The answer of `send` without its explanation, which is shown.
  async function around(request, send) {
    if (!on) return send(request);
    none("Running …");
    let answer;
    try {
      answer = await send({ ...request, extensions: { ...request.extensions, explain: true } });
    } catch (error) {
      none("There is no answer.");
      throw error;
    }
    const { explain, cost, ...others } = answer.extensions ?? {};
    if (explain) draw(explain, cost);
    else none("This answer is not explained: it was refused before anything ran.");
    const { extensions, ...rest } = answer;
    return extensions && Object.keys(others).length ? { ...rest, extensions: others } : rest;
  }

  const ms = (number) => `${number.toFixed(1)} ms`;

  function draw({ timings, fields, outside }, cost) {
    const summary = make("p", `${ms(timings.total)} in all, ${ms(timings.parse)} of it to parse`);
    if (cost) summary.textContent += `; costs ${cost.requested} of at most ${cost.limit}`;
    shown.replaceChildren(summary, ...Object.entries(fields).map(([key, field]) => drawField(key, field)));
    if (outside) shown.append(drawField("Outside the rows", outside));
  }

  function drawField(key, { requests = [], timings }) {
    const section = make("section");
    section.append(make("h2", key));
    if (timings) {
      const { plan, upstream, shape, total } = timings;
      section.append(make("p", `${ms(total)}: plan ${ms(plan)}, upstream ${ms(upstream)}, shape ${ms(shape)}`));
    }
    if (!requests.length) section.append(make("p", "Nothing was asked of Supabase."));
    section.append(...requests.map(drawRequest));
    return section;
  }

  function drawRequest({ method, path, sql, schema, status, rows, ms: took, plan, ...others }) {
    const details = make("details");
    const summary = make("summary");
    const counted = [status ?? "no answer", rows === null ? "" : `${rows} rows`, ms(took)].filter((word) => word !== "");
    summary.append(make("code", sql ?? `${method} ${decoded(path)}`), make("span", counted.join(" · ")));
    details.append(summary);
    if (schema) details.append(make("p", `Schema ${schema}`));
    details.append(make("pre", JSON.stringify(plan ?? others, null, 2)));
    return details;
  }

  function decoded(path) {
    try {
      return decodeURIComponent(path);
    } catch {
      return path; // as it is
    }
  }

  return { show, asked: () => on, around, none };
})();
