// The words of the invitation.

import type { Mail } from "../_shared/services.ts";

export interface Invitation {
  to: string;
  inviter: string;
  trip: string;
  secret: string;
  siteUrl: string;
}

/** The mail with the link, as text and as HTML; names and titles are people's own words and never markup. */
export function invitationMail({ to, inviter, trip, secret, siteUrl }: Invitation): Mail {
  const link = new URL("invitations", siteUrl.endsWith("/") ? siteUrl : `${siteUrl}/`);
  link.searchParams.set("token", secret);
  const offer = `${inviter} invites you to plan “${trip}” together.`;
  const terms = "The link can be used once, within seven days, by the account with this e-mail address.";
  return {
    to,
    subject: `${inviter} invites you to plan a trip`.replaceAll(/\s+/g, " "),
    text: `${offer}\n\nJoin the trip: ${link}\n\n${terms} If you do not know ${inviter}, ignore this mail.\n`,
    html: `<p>${escape(offer)}</p><p><a href="${escape(link.href)}">Join the trip</a></p>` +
      `<p>${escape(terms)} If you do not know ${escape(inviter)}, ignore this mail.</p>`,
  };
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
