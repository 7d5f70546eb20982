/** Ends every switch over a union: a member that nobody handles stops the compiler, not the user. */
export function assertNever(value: never): never {
  throw new TypeError(`unhandled: ${JSON.stringify(value)}`);
}
