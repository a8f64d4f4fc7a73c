import { type Socket, connect as connectTcp, isIP } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { CloseCause, ConnectionHandlers, Transport, TransportConnection } from '../transport.js'

/** How to connect. */
export interface TcpOptions {
  /** TLS: `true`, or the options of `node:tls` (`ca`, `cert`, `key`, ...). The server's name is checked. */
  readonly tls?: boolean | ConnectionOptions
}

/** Plain TCP or TLS, in Node, Deno and Bun. */
export function tcp(options: TcpOptions = {}): Transport {
  const { tls = false, ...unknown } = options
  for (const key of Object.keys(unknown)) throw new TypeError(`tcp(): there is no option ${key}; there is: tls`)
  return { connect: (host, port, handlers) => open(host, port, tls, handlers) }
}

function open(host: string, port: number, tls: boolean | ConnectionOptions, handlers: ConnectionHandlers): TransportConnection {
  const encrypted = tls !== false
  const socket: Socket = encrypted
    ? connectTls({ ...(isIP(host) === 0 ? { servername: host } : {}), ...(tls === true ? {} : tls), host, port })
    : connectTcp({ host, port })
  socket.setNoDelay(true)
  let failure: CloseCause | undefined
  socket.once(encrypted ? 'secureConnect' : 'connect', () => handlers.open())
  socket.on('data', (bytes: Uint8Array) => handlers.data(bytes))
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failure = causeOf(error)
  })
  socket.once('close', () => handlers.close(failure ?? { how: 'closed' }))
  return {
    write: (bytes) => void socket.write(bytes),
    close: () => void socket.destroy(),
  }
}

const causes: Readonly<Record<string, CloseCause>> = {
  ECONNREFUSED: { how: 'refused' },
  ENOTFOUND: { how: 'unreachable' },
  EAI_AGAIN: { how: 'unreachable' },
  EHOSTUNREACH: { how: 'unreachable' },
  ENETUNREACH: { how: 'unreachable' },
  ECONNRESET: { how: 'reset' },
  EPIPE: { how: 'reset' },
  ETIMEDOUT: { how: 'timedOut' },
}

// A name with several addresses fails with an AggregateError, whose code is that of its parts.
const causeOf = (error: NodeJS.ErrnoException): CloseCause =>
  causes[error.code ?? ''] ?? { how: 'transport', message: error.message }
