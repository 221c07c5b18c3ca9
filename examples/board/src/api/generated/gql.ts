/* eslint-disable */
import * as types from './graphql';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  query Viewer { viewer { id displayName } }\n": typeof types.ViewerDocument,
    "\n  mutation Ask($input: RunAiAgentInput!) { run: runAiAgent(input: $input) { id conversationId } }\n": typeof types.AskDocument,
    "\n  mutation Rearrange($trip: UUID!) { run: optimizeItinerary(tripId: $trip) { id } }\n": typeof types.RearrangeDocument,
    "\n  subscription Run($id: UUID!) { aiRun(id: $id) { status errorCode result isApplicable } }\n": typeof types.RunDocument,
    "\n  subscription Said($run: UUID!) { change: aiMessageChanges(runId: $run) { operation id delta aiMessage { role content } } }\n": typeof types.SaidDocument,
    "\n  mutation StopRun($id: UUID!) { cancelAiRun(id: $id) { id } }\n": typeof types.StopRunDocument,
    "\n  mutation ApplyItinerary($run: UUID!) { applyItinerary(runId: $run) { id } }\n": typeof types.ApplyItineraryDocument,
    "\n  mutation Accept($token: String!) { acceptInvitation(token: $token) { tripId } }\n": typeof types.AcceptDocument,
    "\n  subscription Mine { myInvitations { id } }\n": typeof types.MineDocument,
    "\n  fragment People on Trip {\n    id\n    owner { id displayName }\n    collaborators { nodes { id role user { id displayName } } }\n  }\n": typeof types.PeopleFragmentDoc,
    "\n  subscription Open($trip: UUID!) {\n    invitations(filter: { tripId: { eq: $trip }, status: { eq: PENDING } }) { nodes { id email role } }\n  }\n": typeof types.OpenDocument,
    "\n  mutation Invite($trip: UUID!, $email: String!, $role: CollaboratorRole!) {\n    inviteCollaborator(tripId: $trip, email: $email, role: $role) { id }\n  }\n": typeof types.InviteDocument,
    "\n  mutation Revoke($id: UUID!) { revokeInvitation(id: $id) { id } }\n": typeof types.RevokeDocument,
    "\n  mutation Add($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }\n": typeof types.AddDocument,
    "\n  mutation Rename($id: UUID!, $title: String!) { updateTripItem(id: $id, patch: { title: $title }) { id } }\n": typeof types.RenameDocument,
    "\n  mutation Remove($id: UUID!) { deleteTripItem(id: $id) { id } }\n": typeof types.RemoveDocument,
    "\n  mutation Move($id: UUID!, $dayNumber: Int!, $position: Int!) { moveTripItem(id: $id, dayNumber: $dayNumber, position: $position) { id } }\n": typeof types.MoveDocument,
    "\n  fragment Item on TripItem { id tripId title kind dayNumber orderIndex voteSummary { ...Votes } }\n": typeof types.ItemFragmentDoc,
    "\n  subscription Pictures($trip: UUID!) {\n    trip(id: $trip) {\n      images(first: 48) {\n        totalCount\n        nodes { id url thumbnail: url(transform: { width: 320, height: 240 }) uploader { id displayName } }\n      }\n    }\n  }\n": typeof types.PicturesDocument,
    "\n  mutation OfferPicture($trip: UUID!, $input: UploadInput!) { ticket: createTripImageUpload(tripId: $trip, input: $input) { uploadUrl } }\n": typeof types.OfferPictureDocument,
    "\n  mutation DeletePicture($id: UUID!) { deleteStoredFiles(ids: [$id]) }\n": typeof types.DeletePictureDocument,
    "\n  query Plans { plans { key name price currency interval limits { metric limit } } }\n": typeof types.PlansDocument,
    "\n  subscription Paying { billingSubscription { planKey status currentPeriodEnd cancelAtPeriodEnd pastDueAt paidUntil } }\n": typeof types.PayingDocument,
    "\n  subscription Limits { usageLimits(orderBy: [{ metric: ASC }]) { nodes { metric limit used reserved remaining periodEnd } } }\n": typeof types.LimitsDocument,
    "\n  mutation Checkout($input: CreateCheckoutSessionInput!) { session: createCheckoutSession(input: $input) { url } }\n": typeof types.CheckoutDocument,
    "\n  mutation Portal($back: String!) { session: createBillingPortalSession(returnUrl: $back) { url } }\n": typeof types.PortalDocument,
    "\n  subscription Here($tripId: UUID!) {\n    tripPresence(tripId: $tripId) {\n      people { id displayName } joined { id displayName } left { displayName }\n    }\n  }\n": typeof types.HereDocument,
    "\n  subscription Contact { whatsappContact { phone pendingPhone verifiedAt optedInAt optedOutAt } }\n": typeof types.ContactDocument,
    "\n  mutation LinkPhone($phone: String!) { linkWhatsapp(phone: $phone) { id } }\n": typeof types.LinkPhoneDocument,
    "\n  mutation VerifyPhone($code: String!) { verifyWhatsapp(code: $code) { id } }\n": typeof types.VerifyPhoneDocument,
    "\n  mutation UnlinkPhone { unlinkWhatsapp }\n": typeof types.UnlinkPhoneDocument,
    "\n  mutation Schedule($input: ScheduleReminderInput!) { scheduleReminder(input: $input) { id } }\n": typeof types.ScheduleDocument,
    "\n  subscription Reminders {\n    scheduledJobs(filter: { kind: { eq: REMINDER } }, orderBy: [{ runAt: DESC }], first: 100) {\n      nodes { id runAt status reason payload trip { id title } }\n    }\n  }\n": typeof types.RemindersDocument,
    "\n  mutation MoveReminder($id: UUID!, $runAt: DateTime, $daysBefore: Int, $localTime: Time) {\n    moveScheduledJob(id: $id, runAt: $runAt, daysBefore: $daysBefore, localTime: $localTime) { id }\n  }\n": typeof types.MoveReminderDocument,
    "\n  mutation CancelReminder($id: UUID!) { cancelScheduledJob(id: $id) { id } }\n": typeof types.CancelReminderDocument,
    "\n  mutation SetZone($zone: String!) { updateMyPreferences(patch: { timezone: $zone }) { timezone } }\n": typeof types.SetZoneDocument,
    "\n  subscription Clocks { myPreferences { timezone } }\n": typeof types.ClocksDocument,
    "\n  mutation SignIn($input: SignInInput!) { signIn(input: $input) { session { accessToken refreshToken expiresAt } } }\n": typeof types.SignInDocument,
    "\n  mutation SignUp($input: SignUpInput!) { signUp(input: $input) { session { accessToken refreshToken expiresAt } } }\n": typeof types.SignUpDocument,
    "\n  mutation Confirm($email: String!, $token: String!) {\n    verifyOtp(email: $email, token: $token, type: SIGNUP) { session { accessToken refreshToken expiresAt } }\n  }\n": typeof types.ConfirmDocument,
    "\n  mutation Refresh($token: String!) { refreshSession(refreshToken: $token) { session { accessToken refreshToken expiresAt } } }\n": typeof types.RefreshDocument,
    "\n  mutation SignOut { signOut }\n": typeof types.SignOutDocument,
    "\n  subscription Board($id: UUID!) {\n    trip(id: $id) {\n      id title destination startDate endDate durationDays\n      ...People\n      items(orderBy: [{ dayNumber: ASC }, { orderIndex: ASC }, { createdAt: ASC }], first: 100) {\n        totalCount nodes { ...Item }\n      }\n    }\n  }\n": typeof types.BoardDocument,
    "\n  mutation UpdateTrip($id: UUID!, $patch: TripPatch!) { updateTrip(id: $id, patch: $patch) { id } }\n": typeof types.UpdateTripDocument,
    "\n  subscription MyTrips {\n    trips(orderBy: [{ startDate: ASC_NULLS_FIRST }], first: 100) {\n      nodes {\n        id title destination startDate endDate\n        owner { displayName } items(first: 1) { totalCount } collaborators(first: 1) { totalCount }\n      }\n    }\n  }\n": typeof types.MyTripsDocument,
    "\n  mutation CreateTrip($input: CreateTripInput!) { createTrip(input: $input) { id } }\n": typeof types.CreateTripDocument,
    "\n  fragment Votes on VoteSummary { up down score mine }\n": typeof types.VotesFragmentDoc,
    "\n  mutation Cast($item: UUID!, $value: VoteValue!) { castVote(tripItemId: $item, value: $value) { id } }\n": typeof types.CastDocument,
    "\n  mutation Retract($item: UUID!) { retractVote(tripItemId: $item) { id } }\n": typeof types.RetractDocument,
};
const documents: Documents = {
    "\n  query Viewer { viewer { id displayName } }\n": types.ViewerDocument,
    "\n  mutation Ask($input: RunAiAgentInput!) { run: runAiAgent(input: $input) { id conversationId } }\n": types.AskDocument,
    "\n  mutation Rearrange($trip: UUID!) { run: optimizeItinerary(tripId: $trip) { id } }\n": types.RearrangeDocument,
    "\n  subscription Run($id: UUID!) { aiRun(id: $id) { status errorCode result isApplicable } }\n": types.RunDocument,
    "\n  subscription Said($run: UUID!) { change: aiMessageChanges(runId: $run) { operation id delta aiMessage { role content } } }\n": types.SaidDocument,
    "\n  mutation StopRun($id: UUID!) { cancelAiRun(id: $id) { id } }\n": types.StopRunDocument,
    "\n  mutation ApplyItinerary($run: UUID!) { applyItinerary(runId: $run) { id } }\n": types.ApplyItineraryDocument,
    "\n  mutation Accept($token: String!) { acceptInvitation(token: $token) { tripId } }\n": types.AcceptDocument,
    "\n  subscription Mine { myInvitations { id } }\n": types.MineDocument,
    "\n  fragment People on Trip {\n    id\n    owner { id displayName }\n    collaborators { nodes { id role user { id displayName } } }\n  }\n": types.PeopleFragmentDoc,
    "\n  subscription Open($trip: UUID!) {\n    invitations(filter: { tripId: { eq: $trip }, status: { eq: PENDING } }) { nodes { id email role } }\n  }\n": types.OpenDocument,
    "\n  mutation Invite($trip: UUID!, $email: String!, $role: CollaboratorRole!) {\n    inviteCollaborator(tripId: $trip, email: $email, role: $role) { id }\n  }\n": types.InviteDocument,
    "\n  mutation Revoke($id: UUID!) { revokeInvitation(id: $id) { id } }\n": types.RevokeDocument,
    "\n  mutation Add($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }\n": types.AddDocument,
    "\n  mutation Rename($id: UUID!, $title: String!) { updateTripItem(id: $id, patch: { title: $title }) { id } }\n": types.RenameDocument,
    "\n  mutation Remove($id: UUID!) { deleteTripItem(id: $id) { id } }\n": types.RemoveDocument,
    "\n  mutation Move($id: UUID!, $dayNumber: Int!, $position: Int!) { moveTripItem(id: $id, dayNumber: $dayNumber, position: $position) { id } }\n": types.MoveDocument,
    "\n  fragment Item on TripItem { id tripId title kind dayNumber orderIndex voteSummary { ...Votes } }\n": types.ItemFragmentDoc,
    "\n  subscription Pictures($trip: UUID!) {\n    trip(id: $trip) {\n      images(first: 48) {\n        totalCount\n        nodes { id url thumbnail: url(transform: { width: 320, height: 240 }) uploader { id displayName } }\n      }\n    }\n  }\n": types.PicturesDocument,
    "\n  mutation OfferPicture($trip: UUID!, $input: UploadInput!) { ticket: createTripImageUpload(tripId: $trip, input: $input) { uploadUrl } }\n": types.OfferPictureDocument,
    "\n  mutation DeletePicture($id: UUID!) { deleteStoredFiles(ids: [$id]) }\n": types.DeletePictureDocument,
    "\n  query Plans { plans { key name price currency interval limits { metric limit } } }\n": types.PlansDocument,
    "\n  subscription Paying { billingSubscription { planKey status currentPeriodEnd cancelAtPeriodEnd pastDueAt paidUntil } }\n": types.PayingDocument,
    "\n  subscription Limits { usageLimits(orderBy: [{ metric: ASC }]) { nodes { metric limit used reserved remaining periodEnd } } }\n": types.LimitsDocument,
    "\n  mutation Checkout($input: CreateCheckoutSessionInput!) { session: createCheckoutSession(input: $input) { url } }\n": types.CheckoutDocument,
    "\n  mutation Portal($back: String!) { session: createBillingPortalSession(returnUrl: $back) { url } }\n": types.PortalDocument,
    "\n  subscription Here($tripId: UUID!) {\n    tripPresence(tripId: $tripId) {\n      people { id displayName } joined { id displayName } left { displayName }\n    }\n  }\n": types.HereDocument,
    "\n  subscription Contact { whatsappContact { phone pendingPhone verifiedAt optedInAt optedOutAt } }\n": types.ContactDocument,
    "\n  mutation LinkPhone($phone: String!) { linkWhatsapp(phone: $phone) { id } }\n": types.LinkPhoneDocument,
    "\n  mutation VerifyPhone($code: String!) { verifyWhatsapp(code: $code) { id } }\n": types.VerifyPhoneDocument,
    "\n  mutation UnlinkPhone { unlinkWhatsapp }\n": types.UnlinkPhoneDocument,
    "\n  mutation Schedule($input: ScheduleReminderInput!) { scheduleReminder(input: $input) { id } }\n": types.ScheduleDocument,
    "\n  subscription Reminders {\n    scheduledJobs(filter: { kind: { eq: REMINDER } }, orderBy: [{ runAt: DESC }], first: 100) {\n      nodes { id runAt status reason payload trip { id title } }\n    }\n  }\n": types.RemindersDocument,
    "\n  mutation MoveReminder($id: UUID!, $runAt: DateTime, $daysBefore: Int, $localTime: Time) {\n    moveScheduledJob(id: $id, runAt: $runAt, daysBefore: $daysBefore, localTime: $localTime) { id }\n  }\n": types.MoveReminderDocument,
    "\n  mutation CancelReminder($id: UUID!) { cancelScheduledJob(id: $id) { id } }\n": types.CancelReminderDocument,
    "\n  mutation SetZone($zone: String!) { updateMyPreferences(patch: { timezone: $zone }) { timezone } }\n": types.SetZoneDocument,
    "\n  subscription Clocks { myPreferences { timezone } }\n": types.ClocksDocument,
    "\n  mutation SignIn($input: SignInInput!) { signIn(input: $input) { session { accessToken refreshToken expiresAt } } }\n": types.SignInDocument,
    "\n  mutation SignUp($input: SignUpInput!) { signUp(input: $input) { session { accessToken refreshToken expiresAt } } }\n": types.SignUpDocument,
    "\n  mutation Confirm($email: String!, $token: String!) {\n    verifyOtp(email: $email, token: $token, type: SIGNUP) { session { accessToken refreshToken expiresAt } }\n  }\n": types.ConfirmDocument,
    "\n  mutation Refresh($token: String!) { refreshSession(refreshToken: $token) { session { accessToken refreshToken expiresAt } } }\n": types.RefreshDocument,
    "\n  mutation SignOut { signOut }\n": types.SignOutDocument,
    "\n  subscription Board($id: UUID!) {\n    trip(id: $id) {\n      id title destination startDate endDate durationDays\n      ...People\n      items(orderBy: [{ dayNumber: ASC }, { orderIndex: ASC }, { createdAt: ASC }], first: 100) {\n        totalCount nodes { ...Item }\n      }\n    }\n  }\n": types.BoardDocument,
    "\n  mutation UpdateTrip($id: UUID!, $patch: TripPatch!) { updateTrip(id: $id, patch: $patch) { id } }\n": types.UpdateTripDocument,
    "\n  subscription MyTrips {\n    trips(orderBy: [{ startDate: ASC_NULLS_FIRST }], first: 100) {\n      nodes {\n        id title destination startDate endDate\n        owner { displayName } items(first: 1) { totalCount } collaborators(first: 1) { totalCount }\n      }\n    }\n  }\n": types.MyTripsDocument,
    "\n  mutation CreateTrip($input: CreateTripInput!) { createTrip(input: $input) { id } }\n": types.CreateTripDocument,
    "\n  fragment Votes on VoteSummary { up down score mine }\n": types.VotesFragmentDoc,
    "\n  mutation Cast($item: UUID!, $value: VoteValue!) { castVote(tripItemId: $item, value: $value) { id } }\n": types.CastDocument,
    "\n  mutation Retract($item: UUID!) { retractVote(tripItemId: $item) { id } }\n": types.RetractDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Viewer { viewer { id displayName } }\n"): (typeof documents)["\n  query Viewer { viewer { id displayName } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Ask($input: RunAiAgentInput!) { run: runAiAgent(input: $input) { id conversationId } }\n"): (typeof documents)["\n  mutation Ask($input: RunAiAgentInput!) { run: runAiAgent(input: $input) { id conversationId } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Rearrange($trip: UUID!) { run: optimizeItinerary(tripId: $trip) { id } }\n"): (typeof documents)["\n  mutation Rearrange($trip: UUID!) { run: optimizeItinerary(tripId: $trip) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Run($id: UUID!) { aiRun(id: $id) { status errorCode result isApplicable } }\n"): (typeof documents)["\n  subscription Run($id: UUID!) { aiRun(id: $id) { status errorCode result isApplicable } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Said($run: UUID!) { change: aiMessageChanges(runId: $run) { operation id delta aiMessage { role content } } }\n"): (typeof documents)["\n  subscription Said($run: UUID!) { change: aiMessageChanges(runId: $run) { operation id delta aiMessage { role content } } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation StopRun($id: UUID!) { cancelAiRun(id: $id) { id } }\n"): (typeof documents)["\n  mutation StopRun($id: UUID!) { cancelAiRun(id: $id) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ApplyItinerary($run: UUID!) { applyItinerary(runId: $run) { id } }\n"): (typeof documents)["\n  mutation ApplyItinerary($run: UUID!) { applyItinerary(runId: $run) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Accept($token: String!) { acceptInvitation(token: $token) { tripId } }\n"): (typeof documents)["\n  mutation Accept($token: String!) { acceptInvitation(token: $token) { tripId } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Mine { myInvitations { id } }\n"): (typeof documents)["\n  subscription Mine { myInvitations { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment People on Trip {\n    id\n    owner { id displayName }\n    collaborators { nodes { id role user { id displayName } } }\n  }\n"): (typeof documents)["\n  fragment People on Trip {\n    id\n    owner { id displayName }\n    collaborators { nodes { id role user { id displayName } } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Open($trip: UUID!) {\n    invitations(filter: { tripId: { eq: $trip }, status: { eq: PENDING } }) { nodes { id email role } }\n  }\n"): (typeof documents)["\n  subscription Open($trip: UUID!) {\n    invitations(filter: { tripId: { eq: $trip }, status: { eq: PENDING } }) { nodes { id email role } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Invite($trip: UUID!, $email: String!, $role: CollaboratorRole!) {\n    inviteCollaborator(tripId: $trip, email: $email, role: $role) { id }\n  }\n"): (typeof documents)["\n  mutation Invite($trip: UUID!, $email: String!, $role: CollaboratorRole!) {\n    inviteCollaborator(tripId: $trip, email: $email, role: $role) { id }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Revoke($id: UUID!) { revokeInvitation(id: $id) { id } }\n"): (typeof documents)["\n  mutation Revoke($id: UUID!) { revokeInvitation(id: $id) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Add($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }\n"): (typeof documents)["\n  mutation Add($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Rename($id: UUID!, $title: String!) { updateTripItem(id: $id, patch: { title: $title }) { id } }\n"): (typeof documents)["\n  mutation Rename($id: UUID!, $title: String!) { updateTripItem(id: $id, patch: { title: $title }) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Remove($id: UUID!) { deleteTripItem(id: $id) { id } }\n"): (typeof documents)["\n  mutation Remove($id: UUID!) { deleteTripItem(id: $id) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Move($id: UUID!, $dayNumber: Int!, $position: Int!) { moveTripItem(id: $id, dayNumber: $dayNumber, position: $position) { id } }\n"): (typeof documents)["\n  mutation Move($id: UUID!, $dayNumber: Int!, $position: Int!) { moveTripItem(id: $id, dayNumber: $dayNumber, position: $position) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment Item on TripItem { id tripId title kind dayNumber orderIndex voteSummary { ...Votes } }\n"): (typeof documents)["\n  fragment Item on TripItem { id tripId title kind dayNumber orderIndex voteSummary { ...Votes } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Pictures($trip: UUID!) {\n    trip(id: $trip) {\n      images(first: 48) {\n        totalCount\n        nodes { id url thumbnail: url(transform: { width: 320, height: 240 }) uploader { id displayName } }\n      }\n    }\n  }\n"): (typeof documents)["\n  subscription Pictures($trip: UUID!) {\n    trip(id: $trip) {\n      images(first: 48) {\n        totalCount\n        nodes { id url thumbnail: url(transform: { width: 320, height: 240 }) uploader { id displayName } }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation OfferPicture($trip: UUID!, $input: UploadInput!) { ticket: createTripImageUpload(tripId: $trip, input: $input) { uploadUrl } }\n"): (typeof documents)["\n  mutation OfferPicture($trip: UUID!, $input: UploadInput!) { ticket: createTripImageUpload(tripId: $trip, input: $input) { uploadUrl } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeletePicture($id: UUID!) { deleteStoredFiles(ids: [$id]) }\n"): (typeof documents)["\n  mutation DeletePicture($id: UUID!) { deleteStoredFiles(ids: [$id]) }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Plans { plans { key name price currency interval limits { metric limit } } }\n"): (typeof documents)["\n  query Plans { plans { key name price currency interval limits { metric limit } } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Paying { billingSubscription { planKey status currentPeriodEnd cancelAtPeriodEnd pastDueAt paidUntil } }\n"): (typeof documents)["\n  subscription Paying { billingSubscription { planKey status currentPeriodEnd cancelAtPeriodEnd pastDueAt paidUntil } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Limits { usageLimits(orderBy: [{ metric: ASC }]) { nodes { metric limit used reserved remaining periodEnd } } }\n"): (typeof documents)["\n  subscription Limits { usageLimits(orderBy: [{ metric: ASC }]) { nodes { metric limit used reserved remaining periodEnd } } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Checkout($input: CreateCheckoutSessionInput!) { session: createCheckoutSession(input: $input) { url } }\n"): (typeof documents)["\n  mutation Checkout($input: CreateCheckoutSessionInput!) { session: createCheckoutSession(input: $input) { url } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Portal($back: String!) { session: createBillingPortalSession(returnUrl: $back) { url } }\n"): (typeof documents)["\n  mutation Portal($back: String!) { session: createBillingPortalSession(returnUrl: $back) { url } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Here($tripId: UUID!) {\n    tripPresence(tripId: $tripId) {\n      people { id displayName } joined { id displayName } left { displayName }\n    }\n  }\n"): (typeof documents)["\n  subscription Here($tripId: UUID!) {\n    tripPresence(tripId: $tripId) {\n      people { id displayName } joined { id displayName } left { displayName }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Contact { whatsappContact { phone pendingPhone verifiedAt optedInAt optedOutAt } }\n"): (typeof documents)["\n  subscription Contact { whatsappContact { phone pendingPhone verifiedAt optedInAt optedOutAt } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation LinkPhone($phone: String!) { linkWhatsapp(phone: $phone) { id } }\n"): (typeof documents)["\n  mutation LinkPhone($phone: String!) { linkWhatsapp(phone: $phone) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation VerifyPhone($code: String!) { verifyWhatsapp(code: $code) { id } }\n"): (typeof documents)["\n  mutation VerifyPhone($code: String!) { verifyWhatsapp(code: $code) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UnlinkPhone { unlinkWhatsapp }\n"): (typeof documents)["\n  mutation UnlinkPhone { unlinkWhatsapp }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Schedule($input: ScheduleReminderInput!) { scheduleReminder(input: $input) { id } }\n"): (typeof documents)["\n  mutation Schedule($input: ScheduleReminderInput!) { scheduleReminder(input: $input) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Reminders {\n    scheduledJobs(filter: { kind: { eq: REMINDER } }, orderBy: [{ runAt: DESC }], first: 100) {\n      nodes { id runAt status reason payload trip { id title } }\n    }\n  }\n"): (typeof documents)["\n  subscription Reminders {\n    scheduledJobs(filter: { kind: { eq: REMINDER } }, orderBy: [{ runAt: DESC }], first: 100) {\n      nodes { id runAt status reason payload trip { id title } }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation MoveReminder($id: UUID!, $runAt: DateTime, $daysBefore: Int, $localTime: Time) {\n    moveScheduledJob(id: $id, runAt: $runAt, daysBefore: $daysBefore, localTime: $localTime) { id }\n  }\n"): (typeof documents)["\n  mutation MoveReminder($id: UUID!, $runAt: DateTime, $daysBefore: Int, $localTime: Time) {\n    moveScheduledJob(id: $id, runAt: $runAt, daysBefore: $daysBefore, localTime: $localTime) { id }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CancelReminder($id: UUID!) { cancelScheduledJob(id: $id) { id } }\n"): (typeof documents)["\n  mutation CancelReminder($id: UUID!) { cancelScheduledJob(id: $id) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SetZone($zone: String!) { updateMyPreferences(patch: { timezone: $zone }) { timezone } }\n"): (typeof documents)["\n  mutation SetZone($zone: String!) { updateMyPreferences(patch: { timezone: $zone }) { timezone } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Clocks { myPreferences { timezone } }\n"): (typeof documents)["\n  subscription Clocks { myPreferences { timezone } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SignIn($input: SignInInput!) { signIn(input: $input) { session { accessToken refreshToken expiresAt } } }\n"): (typeof documents)["\n  mutation SignIn($input: SignInInput!) { signIn(input: $input) { session { accessToken refreshToken expiresAt } } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SignUp($input: SignUpInput!) { signUp(input: $input) { session { accessToken refreshToken expiresAt } } }\n"): (typeof documents)["\n  mutation SignUp($input: SignUpInput!) { signUp(input: $input) { session { accessToken refreshToken expiresAt } } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Confirm($email: String!, $token: String!) {\n    verifyOtp(email: $email, token: $token, type: SIGNUP) { session { accessToken refreshToken expiresAt } }\n  }\n"): (typeof documents)["\n  mutation Confirm($email: String!, $token: String!) {\n    verifyOtp(email: $email, token: $token, type: SIGNUP) { session { accessToken refreshToken expiresAt } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Refresh($token: String!) { refreshSession(refreshToken: $token) { session { accessToken refreshToken expiresAt } } }\n"): (typeof documents)["\n  mutation Refresh($token: String!) { refreshSession(refreshToken: $token) { session { accessToken refreshToken expiresAt } } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SignOut { signOut }\n"): (typeof documents)["\n  mutation SignOut { signOut }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Board($id: UUID!) {\n    trip(id: $id) {\n      id title destination startDate endDate durationDays\n      ...People\n      items(orderBy: [{ dayNumber: ASC }, { orderIndex: ASC }, { createdAt: ASC }], first: 100) {\n        totalCount nodes { ...Item }\n      }\n    }\n  }\n"): (typeof documents)["\n  subscription Board($id: UUID!) {\n    trip(id: $id) {\n      id title destination startDate endDate durationDays\n      ...People\n      items(orderBy: [{ dayNumber: ASC }, { orderIndex: ASC }, { createdAt: ASC }], first: 100) {\n        totalCount nodes { ...Item }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateTrip($id: UUID!, $patch: TripPatch!) { updateTrip(id: $id, patch: $patch) { id } }\n"): (typeof documents)["\n  mutation UpdateTrip($id: UUID!, $patch: TripPatch!) { updateTrip(id: $id, patch: $patch) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription MyTrips {\n    trips(orderBy: [{ startDate: ASC_NULLS_FIRST }], first: 100) {\n      nodes {\n        id title destination startDate endDate\n        owner { displayName } items(first: 1) { totalCount } collaborators(first: 1) { totalCount }\n      }\n    }\n  }\n"): (typeof documents)["\n  subscription MyTrips {\n    trips(orderBy: [{ startDate: ASC_NULLS_FIRST }], first: 100) {\n      nodes {\n        id title destination startDate endDate\n        owner { displayName } items(first: 1) { totalCount } collaborators(first: 1) { totalCount }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateTrip($input: CreateTripInput!) { createTrip(input: $input) { id } }\n"): (typeof documents)["\n  mutation CreateTrip($input: CreateTripInput!) { createTrip(input: $input) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment Votes on VoteSummary { up down score mine }\n"): (typeof documents)["\n  fragment Votes on VoteSummary { up down score mine }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Cast($item: UUID!, $value: VoteValue!) { castVote(tripItemId: $item, value: $value) { id } }\n"): (typeof documents)["\n  mutation Cast($item: UUID!, $value: VoteValue!) { castVote(tripItemId: $item, value: $value) { id } }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Retract($item: UUID!) { retractVote(tripItemId: $item) { id } }\n"): (typeof documents)["\n  mutation Retract($item: UUID!) { retractVote(tripItemId: $item) { id } }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;