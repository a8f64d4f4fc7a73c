import type { SaslOptions } from './options.js'

/** The last refusal: what errors that come of it say, and what was thrown. */
let why = ''
let reason: unknown

/** Asks the application for what the option does not say: the answer, or a text that says why there is none. @internal */
export async function findCredentials(sasl: SaslOptions): Promise<unknown> {
  try {
    const found = { ...sasl } as Record<string, unknown>
    for (const key in found) if (typeof found[key] === 'function') found[key] = await (found[key] as () => unknown)()
    return { ...found, ...(found['oauthBearerProvider'] as object) }
  } catch (thrown) {
    reason = thrown
    return (why = String(thrown))
  }
}

/** What was thrown in place of credentials, if that is what the error is about. @internal */
export const reasonOf = (message: string): unknown => (message.endsWith(why) ? reason : undefined)
