import type { ClientHandle } from '#glue'

/** How a connection ended, or why it could not be made. */
export type CloseCause =
  | { readonly how: 'refused' | 'unreachable' | 'closed' | 'reset' | 'timedOut' }
  | { readonly how: 'bridge'; readonly closeCode: number; readonly reason: string }
  | { readonly how: 'transport'; readonly message: string }

/** Where a transport reports to. Reports after `close` are ignored. */
export interface ConnectionHandlers {
  /** The connection is open. */
  open(): void
  /** Bytes arrived; how they are cut means nothing. They are copied before this returns. */
  data(bytes: Uint8Array): void
  /** The connection is gone, or could not be made. */
  close(cause: CloseCause): void
}

/** One connection of a transport. */
export interface TransportConnection {
  /** Sends bytes, which are the transport's to keep. Failure is reported to `close` of the handlers. */
  write(bytes: Uint8Array): void
  /** Closes the connection or gives up opening it. */
  close(): void
}

/** A way to reach brokers. */
export interface Transport {
  /** Begins to open a connection to a broker. */
  connect(host: string, port: number, handlers: ConnectionHandlers): TransportConnection
}

/** Numbered as in ../../src/exports/port.rs. */
const HOW = ['refused', 'unreachable', 'closed', 'reset', 'timedOut', 'bridge', 'transport']

/** Joins a transport to a client: the object that wasm calls. @internal */
export class Port {
  readonly #transport: Transport
  readonly #connections = new Map<number, TransportConnection>()
  #report: ((report: (handle: ClientHandle) => void) => void) | undefined

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Says how to reach the client. */
  attach(report: (report: (handle: ClientHandle) => void) => void): void {
    this.#report = report
  }

  connect(broker: number, generation: number, host: string, port: number): void {
    const key = keyOf(broker, generation)
    const report = this.#report
    let closed = false
    const handlers: ConnectionHandlers = {
      open: () => {
        if (!closed) report?.((handle) => handle.connected(broker, generation))
      },
      data: (bytes) => {
        if (closed) return
        // Anything else would reach into wasm memory with lengths that nobody has checked.
        if (bytes instanceof Uint8Array) report?.((handle) => handle.received(broker, generation, bytes))
        else this.#lose(key, handlers, 'the transport handed over no Uint8Array')
      },
      close: (cause) => {
        if (closed) return
        closed = true
        this.#connections.delete(key)
        const closeCode = cause.how === 'bridge' ? cause.closeCode : 0
        const detail = cause.how === 'bridge' ? cause.reason : cause.how === 'transport' ? cause.message : ''
        report?.((handle) => handle.disconnected(broker, generation, HOW.indexOf(cause.how), closeCode, detail))
      },
    }
    const connection = this.#transport.connect(host, port, handlers)
    const close = (): void => {
      closed = true
      connection.close()
    }
    if (closed) connection.close()
    else this.#connections.set(key, { write: (bytes) => connection.write(bytes), close })
  }

  send(broker: number, generation: number, bytes: Uint8Array): void {
    this.#connections.get(keyOf(broker, generation))?.write(bytes)
  }

  close(broker: number, generation: number): void {
    const key = keyOf(broker, generation)
    const connection = this.#connections.get(key)
    this.#connections.delete(key)
    connection?.close()
  }

  #lose(key: number, handlers: ConnectionHandlers, message: string): void {
    const connection = this.#connections.get(key)
    handlers.close({ how: 'transport', message })
    connection?.close()
  }

  /** Closes everything, for a client that can no longer do it itself. */
  closeAll(): void {
    for (const connection of this.#connections.values()) connection.close()
    this.#connections.clear()
  }
}

// Brokers are numbered with 16 bits.
const keyOf = (broker: number, generation: number): number => generation * 0x1_0000 + broker
