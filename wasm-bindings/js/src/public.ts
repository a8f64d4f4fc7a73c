export type {
  Admin,
  ChangeOptions,
  ClusterDescription,
  CommandOptions,
  CommandResult,
  ConfigChange,
  ConfigEntry,
  ConfigResource,
  NewPartitions,
  NewTopic,
  OffsetWanted,
  TopicDescription,
} from './admin.js'
export type { ClientEvents, ClientState, WaitOptions } from './client.js'
export type {
  Assignment,
  Consumer,
  ConsumerEvents,
  OffsetFound,
  PartitionError,
  PollOptions,
  StartOffset,
  TopicPartition,
} from './consumer.js'
export {
  AbortError,
  AuthenticationError,
  type Blame,
  BridgeError,
  ConfigurationError,
  ConnectionError,
  InternalError,
  KafkaError,
  type KafkaErrorProperties,
  ProducerFencedError,
  ProtocolError,
  SerializationError,
  StateError,
  TimeoutError,
  UnsupportedVersionError,
} from './errors.js'
export type { Content, HeadersInput, Message, ProducerRecord } from './messages.js'
export type {
  AdminOptions,
  CommonOptions,
  Compression,
  ConsumerOptions,
  Found,
  KafkaOptions,
  OauthBearerToken,
  ProducerOptions,
  Profile,
  ResolvedConfig,
  SaslOptions,
  SharedOptions,
} from './options.js'
export type { Producer, SendBatchRequest, SendOptions, SendRequest, TopicMessages } from './producer.js'
export type { ConsumerRecord, RecordBatch, RecordHeaders } from './records.js'
export type { Status } from './status.js'
export type { PartitionInfo } from './topics.js'
export type { CloseCause, ConnectionHandlers, Transport, TransportConnection } from './transport.js'
export type { DeliveryReport, RecordMetadata } from './waiters.js'
