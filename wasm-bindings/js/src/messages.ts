import { SerializationError } from './errors.js'

/** What a key, a value or a header is made from. Strings become UTF-8; `null` stays null, which Kafka tells from empty. */
export type Content = Uint8Array | string | null

/** Headers of a record to be sent. Kafka's are an ordered list in which a key may be repeated. */
export type HeadersInput =
  | Readonly<Record<string, Content | readonly Content[] | undefined>>
  | Iterable<readonly [key: string, value: Content]>

/** A record to be sent to a topic named elsewhere. */
export interface Message {
  readonly key?: Content | undefined
  readonly value?: Content | undefined
  readonly headers?: HeadersInput | undefined
  /** The partition; the partitioner chooses one when there is none. */
  readonly partition?: number | undefined
  /** Unix time in milliseconds; now when there is none. */
  readonly timestamp?: number | bigint | Date | undefined
}

/** A record to be sent. */
export interface ProducerRecord extends Message {
  readonly topic: string
}

/** @internal */
export type HeaderPair = readonly [name: string, content: Uint8Array | string | null]

/** Throws unless the parts of a message are what they must be. Headers and timestamps are checked by their readers. @internal */
export function checkMessage(message: Message, index: number): void {
  if (typeof message !== 'object' || message === null) throw invalid(index, 'message', 'an object', message)
  if (!isContent(message.value)) throw invalid(index, 'value', contents, message.value)
  if (!isContent(message.key)) throw invalid(index, 'key', contents, message.key)
  const { partition } = message
  if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0 && partition <= 0x7fff_ffff)) {
    throw invalid(index, 'partition', 'a whole number from 0', partition)
  }
}

const contents = 'a Uint8Array, a string or null'

/** The headers as a list, in the order given. @internal */
export function headerPairs(headers: HeadersInput, index: number): HeaderPair[] {
  if (typeof headers !== 'object' || headers === null) throw invalid(index, 'headers', 'an object or pairs', headers)
  const pairs: HeaderPair[] = []
  if (Symbol.iterator in headers) {
    for (const pair of headers as Iterable<readonly [string, Content]>) {
      if (!Array.isArray(pair) || typeof pair[0] !== 'string') throw invalid(index, 'headers', 'pairs of key and value', pair)
      pairs.push(checkHeader(pair[0], pair[1] as Content, index))
    }
    return pairs
  }
  for (const [name, content] of Object.entries(headers as Record<string, Content | readonly Content[] | undefined>)) {
    if (Array.isArray(content)) for (const one of content as readonly Content[]) pairs.push(checkHeader(name, one, index))
    else if (content !== undefined) pairs.push(checkHeader(name, content as Content, index))
  }
  return pairs
}

function checkHeader(name: string, content: Content, index: number): HeaderPair {
  if (content === undefined || !isContent(content)) throw invalid(index, `headers[${JSON.stringify(name)}]`, contents, content)
  return [name, content]
}

/** A timestamp as a number of milliseconds. @internal */
export function timestampMillis(timestamp: number | bigint | Date, index: number): number {
  const millis = Number(timestamp)
  if (!Number.isSafeInteger(millis)) throw invalid(index, 'timestamp', 'whole milliseconds', timestamp)
  return millis
}

const isContent = (value: unknown): boolean =>
  value === undefined || value === null || typeof value === 'string' || value instanceof Uint8Array

const invalid = (index: number, part: string, expected: string, found: unknown): SerializationError =>
  unfit(index < 0 ? part : `messages[${index}].${part}`, expected, found)

/** The error for an argument that is not what it must be. @internal */
export const unfit = (what: string, expected: string, found: unknown): SerializationError =>
  new SerializationError(`${what}: expected ${expected}, found ${describe(found)}`, { code: 'INVALID_ARGUMENT' })

/** A value in a few words, for messages. @internal */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return String(value)
  return `${value.constructor?.name ?? 'object'}`
}
