/** What `wasm-bindgen --target web` generates from ../../src/exports. */
declare module '#glue' {
  export interface InitOutput {
    readonly memory: WebAssembly.Memory
  }
  export default function init(options: { module_or_path: WebAssembly.Module }): Promise<InitOutput>
  export function onPanic(tell: (message: string) => void): void

  export class ClientHandle {
    constructor(options: object, network: unknown, token: string | undefined, wake: () => void)
    free(): void
    reportAddress(): number
    topic(name: string): number
    topicName(topic: number): string | undefined
    reserve(bytes: number): number
    commit(bytes: number): void
    drain(): unknown[] | undefined
    takeErrors(): unknown[]
    take(): boolean
    connected(broker: number, generation: number): void
    received(broker: number, generation: number, bytes: Uint8Array): void
    disconnected(broker: number, generation: number, how: string, closeCode: number, detail: string): void
    start(timeoutMs?: number): number
    stop(timeoutMs?: number): number
    cancel(operation: number): void
    state(): string
    flush(timeoutMs?: number): number
    writable(): number | undefined
    bufferedBytes(): number
    partitionsFor(topic: string, timeoutMs?: number): number
    assign(topics: Uint32Array, partitions: Int32Array, kinds: Uint8Array, offsets: BigInt64Array): boolean
    assignment(): Int32Array
    position(topic: number, partition: number): bigint | undefined
    seek(topic: number, partition: number, kind: number, offset: bigint): void
    setPaused(topics: Uint32Array, partitions: Int32Array, paused: boolean): void
    listOffsets(
      topics: Uint32Array,
      partitions: Int32Array,
      kinds: Uint8Array,
      values: BigInt64Array,
      timeoutMs?: number,
    ): number
    counters(): Record<string, number>
  }
}

/** core.wasm, gzipped and in base64. */
declare module '#packed' {
  const packed: string
  export default packed
}
