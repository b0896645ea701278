package iex_test

import (
	"encoding/binary"

	"github.com/failshut/failshut/feeds"
)

// resend moves the send time of every segment by span.
func resend(in []feeds.Input, span int64) {
	for i := range in {
		at := in[i].Data[32:]
		binary.LittleEndian.PutUint64(at, binary.LittleEndian.Uint64(at)+uint64(span))
	}
}
