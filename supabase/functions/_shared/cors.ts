// Pages of any origin may call the functions: what a caller may do hangs on their token, and no cookie is read.

export const CORS_HEADERS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Headers": "authorization, x-client-info, apikey, content-type",
  "Access-Control-Allow-Methods": "POST, OPTIONS",
  "Access-Control-Expose-Headers": "X-Request-Id",
  "Access-Control-Max-Age": "3600",
};
