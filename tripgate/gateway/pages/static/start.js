// The start page: its buttons copy, and its head says whether requests may be sent here.
"use strict";

const LOOK_MS = 5_000;

function copyAtAClick() {
  const said = document.getElementById("said");
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      let word = "Copied";
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
      } catch {
        word = "Not allowed"; // by the browser, or there is no clipboard for pages of this address
      }
      button.textContent = word;
      said.textContent = `${button.getAttribute("aria-label")}: ${word.toLowerCase()}`;
      setTimeout(() => (button.textContent = "Copy"), 2_000);
    });
  }
}

function watchReadiness() {
  const shown = document.getElementById("ready");

  async function look() {
    let text = "Does not answer";
    let right = false;
    try {
      const response = await fetch("/readyz");
      const { checks = {}, status } = await response.json();
      const wrong = Object.entries(checks).filter(([, word]) => word !== "ok");
      right = response.ok && wrong.length === 0;
      text = right ? "Ready" : wrong.map(([name, word]) => `${name}: ${word}`).join(", ") || status;
    } catch {
      // It does not answer, then.
    }
    if (shown.textContent !== text) shown.textContent = text;
    shown.className = right ? "right" : "wrong";
  }

  look();
  setInterval(() => document.hidden || look(), LOOK_MS);
}

copyAtAClick();
watchReadiness();
