export const shared = "code that functions share is no function";
