// Short names for what the core imports from its glue: wasm-bindgen's carry hashes, which do not compress, twice.

/** Returns the core and the glue with short names in place of the long ones. */
export function shortenNames(core, glue) {
  const reader = new Reader(core)
  reader.at = 8 // magic and version
  while (reader.at < core.length) {
    const start = reader.at
    const section = core[reader.at++]
    const end = reader.number() + reader.at
    if (section !== IMPORTS) {
      reader.at = end
      continue
    }
    const { body, names } = rewrite(reader)
    if (reader.at !== end) throw new Error('the import section of the core has another length than it says')
    const replaced = [core.subarray(0, start), [IMPORTS], number(body.length), body, core.subarray(end)]
    // Longest first: one name may begin like another.
    const long = [...names.keys()].sort((a, b) => b.length - a.length)
    const text = long.reduce((text, name) => text.replaceAll(name, names.get(name)), glue)
    return { core: Buffer.concat(replaced.map((part) => Buffer.from(part))), glue: text }
  }
  throw new Error('the core imports nothing')
}

const IMPORTS = 2
const FUNCTION = 0

/** The import section with other names: a name in the module for each, and a name for the module. */
function rewrite(reader) {
  const names = new Map()
  const short = (name) => {
    if (!names.has(name)) names.set(name, `_${names.size.toString(36)}`)
    return Buffer.from(names.get(name))
  }
  const count = reader.number()
  const body = [number(count)]
  for (let i = 0; i < count; i += 1) {
    for (const name of [short(reader.text()), short(reader.text())]) body.push(number(name.length), name)
    const kind = reader.bytes(1)
    if (kind[0] !== FUNCTION) throw new Error(`import ${i} of the core is no function`)
    body.push(kind, number(reader.number()))
  }
  return { body: Buffer.concat(body.map((part) => Buffer.from(part))), names }
}

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
