import { type Boundary, guard, numberFrom, Word } from './boundary.js'
import { bounded, checkWait, Client, type ClientEvents, type WaitOptions } from './client.js'
import { breakDown } from './core.js'
import {
  abortError,
  type ErrorObject,
  fromObject,
  type KafkaError,
  SerializationError,
  stoppedError,
  timeoutError,
} from './errors.js'
import { checkMessage, type Content, headerPairs, type Message, type ProducerRecord, timestampMillis, unfit } from './messages.js'
import type { Compression } from './options.js'
import { SendQueue } from './queue.js'
import { compressionFlags, sizeAtMost, StagingArea } from './staging.js'
import type { Status } from './status.js'
import { checkTopic } from './topics.js'
import { type DeliveryReport, Group, RecordMetadata, Waiters } from './waiters.js'

/** How records are to be sent. */
export interface SendOptions extends WaitOptions {
  /** How they are compressed, in place of what the producer's options say. Records of one batch are compressed alike, so calls that differ in this do not share batches. */
  readonly compression?: Compression | undefined
}

/** Records for one topic. */
export interface SendRequest extends SendOptions {
  readonly topic: string
  readonly messages: readonly Message[]
}

/** Records for several topics. */
export interface SendBatchRequest extends SendOptions {
  readonly topicMessages: readonly TopicMessages[]
}

/** Records for one of several topics. */
export interface TopicMessages {
  readonly topic: string
  readonly messages: readonly Message[]
}

/** Words of a settlement; ../../src/exports/settlements.rs says which. */
const SETTLEMENT_WORDS = 10
/** Records that may need more than this are measured exactly before room is made for them. */
const MEASURE_BYTES = 64 * 1024

/** Writes records. Batches by itself: what one turn of the event loop sends travels together. */
export class Producer extends Client<ClientEvents> {
  readonly #waiters = new Waiters()
  readonly #topics = new Map<string, number>()
  readonly #topicNames: string[] = []
  readonly #queue = new SendQueue(() => this.#expire())
  #area: StagingArea | undefined
  /** Whether the core takes records. Else they queue here until it does. */
  #accepting = false
  #preparing = false
  /** Whether the core's buffer is full. What is staged stays staged, everything after it queues. */
  #blocked = false
  /** The id that the first staged record is going to get. */
  #stagedFrom = 0

  /**
   * Sends records to a topic: one command with one promise, which ends when all of them have. It says where the records
   * went, by runs of consecutive records; if some fail, it fails with the first error.
   */
  send(request: SendRequest): Promise<DeliveryReport[]> {
    return this.#send([request], request, 'send()')
  }

  /** Sends records to several topics, as send() does to one. */
  sendBatch(request: SendBatchRequest): Promise<DeliveryReport[]> {
    return this.#send(request.topicMessages, request, 'sendBatch()')
  }

  /** Sends one record. */
  produce(record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      try {
        checkMessage(record, -1)
        if (this.#accepting && !this.#blocked && this.#queue.empty && this.#stage(record.topic, record, -1, 0)) {
          this.#waiters.add(resolve, reject)
          this.schedule()
          return
        }
        checkTopic(record.topic)
        const group = new Group(1, ([report]) => resolve(new RecordMetadata(report!, 0)), reject)
        this.#enqueue(record.topic, [record], 0, group, 0)
      } catch (error) {
        reject(error)
      }
    })
  }

  /** Ends when everything sent so far has ended. Batches that wait for company are sent now. */
  async flush(options: WaitOptions = {}): Promise<void> {
    checkWait(options)
    if (this.refusal !== undefined) throw this.refusal
    const begun = performance.now()
    await bounded(this.#queue.drained(), 'flush()', options)
    if (this.boundary === undefined) return
    this.#commit()
    const { timeoutMs } = options
    const left = timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - (performance.now() - begun))
    await this.operation((handle) => handle.flush(left), options)
  }

  /** How many bytes of records have not ended. */
  get bufferedBytes(): number {
    const { boundary } = this
    if (boundary === undefined || this.refusal !== undefined) return 0
    return guard(() => boundary.handle.bufferedBytes()) + this.#area!.length
  }

  /** Ends when the buffer has room. Sending waits for that by itself; this is for those who would rather not begin. */
  async writable(options: WaitOptions = {}): Promise<void> {
    checkWait(options)
    await bounded(this.#queue.drained(), 'writable()', options)
    const { handle } = await this.ready(options.signal)
    this.#commit()
    const operation = guard(() => handle.writable())
    if (operation !== undefined) await bounded(this.operation(() => operation, {}), 'writable()', options)
  }

  /** @internal */
  protected override opened(boundary: Boundary): void {
    this.#area = new StagingArea(boundary)
  }

  /** @internal */
  protected override beforeTurn(): void {
    this.#commit()
  }

  /** @internal */
  protected override afterTurn(): void {
    this.#area!.refresh()
    if (!this.#settle() || !this.#blocked) return
    // What has ended has made room.
    this.#blocked = false
    this.#commit()
    this.#stageQueued()
    this.schedule()
  }

  /** @internal */
  protected override statusChanged(status: Status): void {
    // A start that failed leaves the client idle; the next record starts it again.
    if (status.state === 'idle') this.#accepting = false
  }

  /** @internal */
  protected override failed(error: KafkaError): void {
    this.#accepting = false
    if (this.#area !== undefined) this.#area.length = 0
    this.#waiters.failAll(error)
    this.#queue.fail(error)
  }

  /** @internal */
  protected override async settleBeforeStop(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    await bounded(this.#queue.drained(), 'stop()', { timeoutMs }).catch(() => this.#queue.fail(stoppedError()))
    this.#commit()
    if (this.#waiters.waiting && this.state === 'starting') {
      // Records that were accepted are sent, so the start on which they wait must end first, well or not.
      const left = Math.max(0, deadline - performance.now())
      await this.operation((handle) => handle.start(left), {}).catch(() => {})
    }
    // What is staged and found no room until now does not get any: the core is about to end.
    if (this.#blocked) this.#abandonStaged()
  }

  /** @internal */
  protected override ended(error: KafkaError): void {
    this.#accepting = false
    this.#queue.fail(error)
  }

  async #send(requests: readonly TopicMessages[], options: SendOptions, what: string): Promise<DeliveryReport[]> {
    const { signal, timeoutMs, compression } = options
    const flags = compressionFlags(compression)
    if (signal === undefined && timeoutMs === undefined) return this.#sendAll(requests, flags)
    checkWait(options)
    if (signal?.aborted === true) throw abortError(signal)
    return bounded(this.#sendAll(requests, flags), what, options)
  }

  #sendAll(requests: readonly TopicMessages[], flags: number): Promise<DeliveryReport[]> {
    return new Promise((resolve, reject) => {
      let count = 0
      if (!Array.isArray(requests)) throw unfit('topicMessages', 'an array', requests)
      for (const { topic, messages } of requests as readonly TopicMessages[]) {
        checkTopic(topic)
        if (!Array.isArray(messages)) throw unfit('messages', 'an array', messages)
        for (let i = 0; i < messages.length; i++) checkMessage(messages[i] as Message, i)
        count += messages.length
      }
      if (count === 0) return resolve([])
      const group = new Group(count, resolve, reject)
      for (const { topic, messages } of requests as readonly TopicMessages[]) {
        const direct = this.#accepting && !this.#blocked && this.#queue.empty
        const staged = direct ? this.#stageFrom(topic, messages, 0, group, flags) : 0
        if (staged < messages.length) this.#enqueue(topic, messages, staged, group, flags)
      }
    })
  }

  /** Stages messages as long as there is room; returns the number of the first one for which there is none. */
  #stageFrom(topic: string, messages: readonly Message[], first: number, group: Group, flags: number): number {
    let next = first
    for (; next < messages.length; next++) {
      try {
        if (!this.#stage(topic, messages[next]!, next, flags)) break
        this.#waiters.addTo(group)
      } catch (error) {
        // One message that cannot be sent as it is; anything else would not be about one message.
        if (!(error instanceof SerializationError)) throw error
        group.failed(error, 1)
      }
    }
    this.schedule()
    return next
  }

  /** Writes a record into the staging area. `false`: there is no room in the producer's buffer. */
  #stage(topic: string, message: Message, index: number, flags: number): boolean {
    const area = this.#area!
    let { key, value } = message
    const { partition, timestamp } = message
    const headers = message.headers == null ? undefined : headerPairs(message.headers, index)
    let size = sizeAtMost(key, value, headers)
    if (size > MEASURE_BYTES) {
      key = encoded(key)
      value = encoded(value)
      size = sizeAtMost(key, value, headers)
      const limit = this.option('maxRequestSize')
      if (size > limit * 3 || (key?.length ?? 0) + (value?.length ?? 0) > limit) {
        const problem = `it takes about ${size} bytes, the limit is ${limit}`
        throw new SerializationError(`${problem}; raise maxRequestSize`, { code: 'RECORD_TOO_LARGE' })
      }
    }
    const millis = timestamp === undefined ? undefined : timestampMillis(timestamp, index)
    const handle = this.#topics.get(topic) ?? this.#topicHandle(topic)
    if (!area.fits(size)) {
      this.#commit()
      if (this.#blocked) return false
      if (!area.fits(size)) guard(() => area.grow(size))
    }
    if (area.length === 0) this.#stagedFrom = this.#waiters.next
    area.write(handle, partition, millis, key, value, headers, flags)
    return true
  }

  #topicHandle(topic: string): number {
    checkTopic(topic)
    const { handle, memory } = this.boundary!
    const number = guard(() => handle.topic(topic))
    memory.refresh()
    this.#area!.refresh()
    this.#topics.set(topic, number)
    this.#topicNames[number] = topic
    return number
  }

  #topicName(number: number): string {
    return (this.#topicNames[number] ??= this.boundary!.handle.topicName(number) ?? '')
  }

  /** Hands what is staged to the core. */
  #commit(): void {
    const area = this.#area
    if (area === undefined || area.length === 0 || this.#blocked) return
    const { handle, memory } = this.boundary!
    guard(() => handle.commit(area.length))
    area.refresh()
    const bytes = memory.report(Word.CommittedBytes)
    const rejections = memory.report(Word.Rejections)
    const accepted = memory.report(Word.CommittedRecords) - rejections
    const full = memory.report(Word.BufferFull) !== 0
    if (accepted > 0 && memory.reportNumber(Word.FirstRecordIdLow) !== this.#stagedFrom) {
      throw breakDown(`record ${this.#stagedFrom} was expected, not ${memory.reportNumber(Word.FirstRecordIdLow)}`)
    }
    if (rejections > 0) this.#reject(memory.report(Word.RejectionsAddress) >>> 2, rejections)
    area.discard(bytes)
    this.#stagedFrom += accepted
    this.#blocked = full
  }

  #reject(at: number, rejections: number): void {
    const { memory } = this.boundary!
    const pairs = memory.words.slice(at, at + rejections * 2)
    const errors = this.#takeErrors()
    for (let i = 0; i < rejections; i++) {
      // Those rejected before it have moved it up.
      this.#waiters.reject(this.#stagedFrom + pairs[i * 2]! - i, errors[pairs[i * 2 + 1]!]!)
    }
  }

  #takeErrors(): KafkaError[] {
    const { handle } = this.boundary!
    const errors = guard(() => handle.takeErrors()) as ErrorObject[]
    this.#area!.refresh()
    return errors.map(fromObject)
  }

  /** Ends the waiters of what has ended; returns whether there was anything. */
  #settle(): boolean {
    const { memory } = this.boundary!
    const settlements = memory.report(Word.Settlements)
    let at = memory.report(Word.SettlementsAddress) >>> 2
    let errors: KafkaError[] | undefined
    for (let i = 0; i < settlements; i++, at += SETTLEMENT_WORDS) {
      const error = memory.words[at + 9]!
      if (error >= 0) errors ??= this.#takeErrors()
      const { words } = memory
      const [first, count] = [numberFrom(words[at]!, words[at + 1]!), words[at + 2]!]
      if (error >= 0) this.#waiters.fail(first, count, errors![error]!)
      else this.#waiters.deliver(first, count, this.#topicName(words[at + 3]!), words[at + 4]!, words, at + 5)
    }
    return settlements > 0
  }

  #enqueue(topic: string, messages: readonly Message[], next: number, group: Group, flags: number): void {
    if (this.refusal !== undefined) return group.failed(this.refusal, messages.length - next)
    this.#queue.push({ topic, messages, next, group, flags, deadline: performance.now() + this.option('maxBlockMs') })
    if (!this.#accepting) this.#prepare()
  }

  /** Loads and starts the client, then stages what has queued meanwhile. */
  #prepare(): void {
    if (this.#preparing) return
    this.#preparing = true
    this.readyAnyway()
      .then(() => {
        this.#preparing = false
        this.#accepting = true
        this.#stageQueued()
      })
      .catch((error: KafkaError) => {
        this.#preparing = false
        this.#queue.fail(error)
      })
  }

  #stageQueued(): void {
    for (let head = this.#queue.head; head !== undefined && this.#accepting && !this.#blocked; head = this.#queue.head) {
      head.next = this.#stageFrom(head.topic, head.messages, head.next, head.group, head.flags)
      if (head.next < head.messages.length) return
      this.#queue.shift()
    }
  }

  #expire(): void {
    const message = `no room in the buffer for ${this.option('maxBlockMs')} ms (maxBlockMs)`
    this.#queue.failUntil(performance.now(), timeoutError(message))
  }

  #abandonStaged(): void {
    this.#waiters.fail(this.#stagedFrom, this.#waiters.next - this.#stagedFrom, stoppedError())
    this.#waiters.forgetFrom(this.#stagedFrom)
    this.#area!.length = 0
    this.#blocked = false
  }
}

const encoded = (content: Content | undefined): Uint8Array | null | undefined =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content
