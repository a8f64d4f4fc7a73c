// Short names for what the core and its glue have between them: wasm-bindgen's are long, and carry hashes, which do not compress, twice.

/** Returns the core and the glue with short names in place of the long ones. */
export function shortenNames(core, glue) {
  const reader = new Reader(core)
  reader.at = 8 // magic and version
  const parts = [core.subarray(0, reader.at)]
  const seen = new Set()
  while (reader.at < core.length) {
    const start = reader.at
    const section = core[reader.at++]
    const end = reader.number() + reader.at
    const rewrite = { [IMPORTS]: shortenImports, [EXPORTS]: shortenExports }[section]
    if (rewrite === undefined) {
      reader.at = end
      parts.push(core.subarray(start, end))
      continue
    }
    const { body, text } = rewrite(reader, glue)
    if (reader.at !== end) throw new Error(`section ${section} of the core has another length than it says`)
    parts.push([section], number(body.length), body)
    glue = text
    seen.add(section)
  }
  if (seen.size !== 2) throw new Error('the core imports nothing, or exports nothing')
  return { core: Buffer.concat(parts.map((part) => Buffer.from(part))), glue }
}

const IMPORTS = 2
const EXPORTS = 7
const FUNCTION = 0
/** The only export that our own code calls by its name. */
const MEMORY = 'memory'

/** The import section with other names: a name in the module for each, and a name for the module. */
function shortenImports(reader, glue) {
  const names = new Names()
  const count = reader.number()
  const body = [number(count)]
  for (let i = 0; i < count; i += 1) {
    for (const name of [names.short(reader.text()), names.short(reader.text())]) body.push(number(name.length), name)
    const kind = reader.bytes(1)
    if (kind[0] !== FUNCTION) throw new Error(`import ${i} of the core is no function`)
    body.push(kind, number(reader.number()))
  }
  return { body: joined(body), text: names.replaceIn(glue, '') }
}

/** The export section with other names. The glue calls exports as properties of `wasm`. */
function shortenExports(reader, glue) {
  const names = new Names()
  const count = reader.number()
  const body = [number(count)]
  for (let i = 0; i < count; i += 1) {
    const long = reader.text()
    const name = long === MEMORY ? Buffer.from(long) : names.short(long)
    body.push(number(name.length), name, reader.bytes(1), number(reader.number()))
  }
  return { body: joined(body), text: names.replaceIn(glue, 'wasm.') }
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** Letters only: a name that can stand anywhere. */
function shortName(number) {
  const last = LETTERS[number % LETTERS.length]
  return number < LETTERS.length ? last : shortName(Math.floor(number / LETTERS.length) - 1) + last
}

/** Short names by long ones. */
class Names {
  #short = new Map()

  short(long) {
    if (!this.#short.has(long)) this.#short.set(long, shortName(this.#short.size))
    return Buffer.from(this.#short.get(long))
  }

  replaceIn(text, before) {
    // Longest first: one name may begin like another.
    const long = [...this.#short.keys()].sort((a, b) => b.length - a.length)
    return long.reduce((text, name) => text.replaceAll(before + name, before + this.#short.get(name)), text)
  }
}

const joined = (parts) => Buffer.concat(parts.map((part) => Buffer.from(part)))

class Reader {
  at = 0
  #bytes

  constructor(bytes) {
    this.#bytes = bytes
  }

  bytes(count) {
    this.at += count
    return this.#bytes.subarray(this.at - count, this.at)
  }

  text() {
    return this.bytes(this.number()).toString('utf8')
  }

  /** An unsigned LEB128 number. */
  number() {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const [byte] = this.bytes(1)
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }
}

/** A number as unsigned LEB128. */
function number(value) {
  const bytes = []
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return [...bytes, value]
}
