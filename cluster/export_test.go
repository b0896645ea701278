package cluster

import "github.com/hashicorp/raft"

// WithFault returns cfg for a node whose store asks fault ahead of each write.
func WithFault(cfg Config, fault func(call string) error) Config {
	cfg.fault = fault
	return cfg
}

// Entry is a log entry for the codec's tests.
type Entry = raft.Log

// Codec is the format of log entries.
type Codec = codec
