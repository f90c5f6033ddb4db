// The parts of the JetStream API's messages that are used here, in the API's own spelling. Times are nanoseconds.

export interface StreamConfig {
  readonly name: string;
  readonly subjects?: readonly string[];
  readonly retention?: "limits" | "interest" | "workqueue";
  readonly storage?: "file" | "memory";
  readonly discard?: "new" | "old";
  readonly num_replicas?: number;
  readonly max_msgs_per_subject?: number;
  readonly max_bytes?: number;
  readonly max_age?: number;
  readonly max_msgs?: number;
  readonly max_consumers?: number;
  readonly max_msg_size?: number;
  readonly duplicate_window?: number;
  readonly deny_delete?: boolean;
  readonly deny_purge?: boolean;
  readonly allow_rollup_hdrs?: boolean;
  readonly allow_direct?: boolean;
  readonly allow_msg_ttl?: boolean;
  readonly subject_delete_marker_ttl?: number;
}

export interface StreamInfo {
  readonly created: string;
  /** The server's clock: RFC 3339. Servers from 2.9 on tell it. */
  readonly ts?: string;
  readonly config: StreamConfig;
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_seq: number;
    readonly last_seq: number;
    /** When the last message was stored, RFC 3339. */
    readonly last_ts?: string;
    readonly num_subjects?: number;
  };
}

export interface ConsumerConfig {
  readonly name: string;
  readonly deliver_policy: "last_per_subject" | "by_start_sequence";
  readonly opt_start_seq?: number;
  readonly filter_subjects: readonly string[];
  readonly headers_only?: boolean;
  readonly ack_policy: "none";
  readonly mem_storage: boolean;
  readonly num_replicas: number;
  readonly inactive_threshold: number;
}

export interface ConsumerInfo {
  readonly name: string;
  readonly num_pending: number;
  readonly delivered: { readonly consumer_seq: number; readonly stream_seq: number };
}

export interface StoredMessage {
  readonly seq: number;
  readonly subject: string;
  /** When it was stored: RFC 3339, with nanoseconds. */
  readonly time: string;
  /** Base64; absent where there are none. */
  readonly hdrs?: string;
  /** Base64; absent where the value is empty. */
  readonly data?: string;
}

export interface PublishAck {
  readonly stream: string;
  readonly seq: number;
}

export interface ApiErrorBody {
  readonly code: number;
  readonly err_code?: number;
  readonly description?: string;
}
