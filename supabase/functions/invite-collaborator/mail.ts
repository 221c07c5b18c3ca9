// The words of the invitation.

import type { Mail } from "../_shared/services.ts";

export interface Invitation {
  to: string;
  inviter: string;
  trip: string;
  secret: string;
  siteUrl: string;
}

/** The mail with the link, as text and as HTML; names and titles are people's own words, never markup, lines or links. */
export function invitationMail({ to, inviter: name, trip: title, secret, siteUrl }: Invitation): Mail {
  const inviter = words(name);
  const trip = words(title);
  const link = new URL("invitations", siteUrl.endsWith("/") ? siteUrl : `${siteUrl}/`);
  link.searchParams.set("token", secret);
  const offer = `${inviter} invites you to plan “${trip}” together.`;
  const terms = "The link can be used once, within seven days, by the account with this e-mail address.";
  return {
    to,
    subject: `${inviter} invites you to plan a trip`,
    text: `${offer}\n\nJoin the trip: ${link}\n\n${terms} If you do not know ${inviter}, ignore this mail.\n`,
    html: `<p>${escape(offer)}</p><p><a href="${escape(link.href)}">Join the trip</a></p>` +
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
function words(text: string): string {
  return text.replaceAll(DIRECTIONS, "").replaceAll(/[\s\p{Cc}]+/gu, " ").trim()
    .replaceAll(/([.:@])(?=\S)/g, "$1\u2060");
}
