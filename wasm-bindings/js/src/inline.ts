import packed from '#packed'

/** The core that is part of this file: gzipped and in base64, the one form that loads everywhere without set-up. */
export async function inlineCore(): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0))
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Response(unpacked).arrayBuffer()
}
