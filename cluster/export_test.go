package cluster

import "github.com/hashicorp/raft"

// SetFault makes the node's store ask fault ahead of each write; call it before the first proposal.
func (n *Node) SetFault(fault func(call string) error) { n.store.fault = fault }

// Entry is a log entry for the codec's tests.
type Entry = raft.Log

// Codec is the format of log entries.
type Codec = codec
