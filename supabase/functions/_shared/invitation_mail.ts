// The mail of an invitation. Names and titles are people's own words, never markup, lines or links.

import type { Mail } from "./services.ts";

export interface Invitation {
  to: string;
  /** What the inviter is called. */
  inviter: string;
  /** What that is called which is to be shared. */
  name: string;
  secret: string;
  siteUrl: string;
  /** Of the page, below `siteUrl`, that accepts such invitations. */
  path: string;
  words: (inviter: string, name: string) => { subject: string; offer: string; action: string };
}

/** The mail with the link, as text and as HTML. */
export function invitationMail({ to, inviter: from, name, secret, siteUrl, path, words }: Invitation): Mail {
  const inviter = plain(from);
  const { subject, offer, action } = words(inviter, plain(name));
  const link = new URL(path, siteUrl.endsWith("/") ? siteUrl : `${siteUrl}/`);
  link.searchParams.set("token", secret);
  const terms = "The link can be used once, within seven days, by the account with this e-mail address.";
  return {
    to,
    subject,
    text: `${offer}\n\n${action}: ${link}\n\n${terms} If you do not know ${inviter}, ignore this mail.\n`,
    html: `<p>${escape(offer)}</p><p><a href="${escape(link.href)}">${escape(action)}</a></p>` +
      `<p>${escape(terms)} If you do not know ${escape(inviter)}, ignore this mail.</p>`,
  };
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

// Marks that turn the direction of the text around them, and may show an address or a file's name from its end.
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;

/**
 * Somebody's own words on one line, with nothing in them that a mail program would make a link of: behind what stands
 * between the parts of an address comes a word joiner, which is not seen.
 */
function plain(text: string): string {
  return text.replaceAll(DIRECTIONS, "").replaceAll(/[\s\p{Cc}]+/gu, " ").trim()
    .replaceAll(/([.:@])(?=\S)/g, "$1\u2060");
}
