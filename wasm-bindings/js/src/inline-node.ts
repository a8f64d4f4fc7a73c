import { gunzipSync } from 'node:zlib'
import packed from '#packed'

/**
 * The core that is part of this file, as inline.ts unpacks it, in a fifth of the time: what browsers do a piece at a time
 * and in the background costs more than it saves where a process starts for a few records.
 */
export async function inlineCoreInNode(): Promise<WebAssembly.Module> {
  return new WebAssembly.Module(gunzipSync(Buffer.from(packed, 'base64')))
}
