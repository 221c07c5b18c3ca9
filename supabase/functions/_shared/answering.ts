// How every kind of endpoint answers: JSON, failures as `{ code, message, extensions }`, each with the id of its request.

import { ApiError } from "./errors.ts";
import { inRequest, log, REQUEST_ID, requestId } from "./log.ts";

export interface Answer {
  status?: number;
  body: unknown;
}

/** Do a request's work and answer what comes of it; `headers` are those of every answer. */
export function answering(
  request: Request,
  headers: Record<string, string>,
  work: () => Promise<Answer | Response>,
): Promise<Response> {
  return inRequest(request, async () => {
    try {
      const answer = await work();
      return answer instanceof Response ? answer : json(answer.body, answer.status ?? 200, headers);
    } catch (error) {
      return refusal(error, headers);
    }
  });
}

function refusal(error: unknown, headers: Record<string, string>): Response {
  if (error instanceof ApiError && error.isPublic) {
    const { code, message, extensions, status } = error;
    log.info("refused", { code, status });
    return json({ code, message, extensions }, status, headers);
  }
  log.error("failed", { code: "INTERNAL_SERVER_ERROR", error });
  return json({ code: "INTERNAL_SERVER_ERROR", message: "Something went wrong.", extensions: {} }, 500, headers);
}

function json(body: unknown, status: number, headers: Record<string, string>): Response {
  return Response.json(body, { status, headers: { ...headers, [REQUEST_ID]: requestId() ?? "" } });
}
