import packed from '#packed'

/** The core that is part of this file: gzipped and in base64, the one form that loads everywhere without set-up. */
export async function inlineCore(): Promise<ArrayBuffer> {
  const binary = atob(packed)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Response(unpacked).arrayBuffer()
}
