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
  let shakingHands = false
  if (encrypted) socket.once('connect', () => (shakingHands = true))
  socket.once(encrypted ? 'secureConnect' : 'connect', () => {
    shakingHands = false
    handlers.open()
  })
  socket.on('data', (bytes: Uint8Array) => handlers.data(bytes))
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failure = causeOf(error, shakingHands)
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

const AUTHORITY = 'if it is the right broker, give the authority that signed its certificate as tls: { ca }'
const NO_TLS = 'this listener may not speak TLS: use another port, or leave tls out'
/** What to do when TLS comes to nothing, by the codes of Node.js and OpenSSL. */
const advice: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: AUTHORITY,
  ERR_TLS_CERT_ALTNAME_INVALID: 'name the brokers as their certificates do, or give such a name as tls: { servername }',
  CERT_HAS_EXPIRED: 'the broker needs a new certificate',
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
}

// A name with several addresses fails with an AggregateError, whose code is that of its parts.
function causeOf({ code = '', message }: NodeJS.ErrnoException, shakingHands: boolean): CloseCause {
  // Brokers cannot make sense of a TLS greeting on another kind of listener, and break the connection off.
  const hint = shakingHands && code === 'ECONNRESET' ? NO_TLS : advice[code]
  if (hint !== undefined) return { how: 'transport', message: `${message} (${hint})` }
  return causes[code] ?? { how: 'transport', message }
}
