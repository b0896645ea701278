package node

import (
	"fmt"
	"net/http"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/market"
)

// DumpAnswer is the flight recorder of one actor.
type DumpAnswer struct {
	Schema   string    `json:"schema"`
	Path     string    `json:"path"`
	Epoch    uint64    `json:"epoch"`
	Busy     bool      `json:"busy"` // it had its turn: the last message may be in its hands
	Messages []dumpRow `json:"messages"`
}

type dumpRow struct {
	At          string `json:"at"` // of the turn
	Lane        string `json:"lane"`
	Type        string `json:"type"`
	Fingerprint string `json:"fingerprint"`
	Brief       string `json:"brief"`
	WaitNS      int64  `json:"wait_ns"` // 0 where it was not measured, as are most
	ServiceNS   int64  `json:"service_ns"`
	Outcome     string `json:"outcome"`
}

// Dump shows the flight recorder of the actor at a path of the tree, oldest message first. It asks nothing of the actor, so
// it answers for one that hangs as well.
func (f *Face) Dump(path string) (any, error) {
	rec, err := f.n.sys.Recording(actors.Name(path))
	if err != nil {
		return nil, &control.Problem{
			Status: http.StatusNotFound, Code: "usage", Exit: 2,
			Message: fmt.Sprintf("path is %q, where no actor lives; want the path of one with a mailbox, as failshut tree and /api/v1/tree list them", path),
		}
	}
	a := DumpAnswer{Schema: "failshut.tree.dump/1", Path: path, Epoch: uint64(rec.Epoch), Busy: rec.Busy, Messages: []dumpRow{}}
	for _, r := range rec.Records {
		row := dumpRow{
			At: market.StampOf(f.n.sys.TimeOf(r.At)).String(), Lane: r.Lane.String(), Type: r.Type, Brief: r.Brief,
			WaitNS: r.Wait.Nanoseconds(), ServiceNS: r.Service.Nanoseconds(), Outcome: r.Outcome.String(),
		}
		if r.Fingerprint != 0 {
			row.Fingerprint = fmt.Sprintf("%016x", r.Fingerprint)
		}
		a.Messages = append(a.Messages, row)
	}
	return a, nil
}
