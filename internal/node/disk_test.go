package node_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/internal/node"
)

const plenty = 1 << 40

// onDisk runs the demonstration with its journal on a disk whose free space the test answers for.
func onDisk(t *testing.T, free int64) (*house, *journal.FaultFS) {
	t.Helper()
	disk := journal.NewFaultFS(journal.NewMemFS(1))
	disk.AnswerFree(free)
	return open(t, shipped(), func(c *node.DemoConfig) { c.Disk = disk }), disk
}

// journalShown is the journal in what `status` prints, and the first reason why the gate is shut.
func (h *house) journalShown() (state string, free int64, why string) {
	h.t.Helper()
	client, err := control.Dial("unix:"+h.Socket(), "")
	if err != nil {
		h.t.Fatal(err)
	}
	status, body, err := client.Get(h.t.Context(), "/api/v1/status")
	if err != nil || status != http.StatusOK {
		h.t.Fatalf("status answers %d %s %v", status, body, err)
	}
	var a struct {
		Journal struct {
			State string `json:"state"`
			Free  *int64 `json:"free_bytes"`
		} `json:"journal"`
		Gate gatez `json:"gate"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		h.t.Fatal(err)
	}
	if a.Journal.Free != nil {
		free = *a.Journal.Free
	}
	if len(a.Gate.Why) > 0 {
		why = a.Gate.Why[0].Code
	}
	return a.Journal.State, free, why
}

func (h *house) untilShown(state string, free int64, why string) {
	h.t.Helper()
	h.until("a journal that is "+state+" with the gate shut for "+why, func() bool {
		s, f, w := h.journalShown()
		return s == state && f == free && w == why
	})
}

// Nobody writes a record while the gate is shut and nothing is live, so it is the look from time to time that opens it.
func TestFreeSpaceBelowTheFloorShutsTheGateUntilThereIsRoom(t *testing.T) {
	h, disk := onDisk(t, plenty)
	h.trades()
	disk.AnswerFree(1 << 20)
	h.untilShown("full", 1<<20, "DISK_FULL")
	h.until("the end of every live order", func() bool { return h.Node().Live("A1") == 0 })
	disk.AnswerFree(plenty)
	h.trades()
	h.untilShown("ok", plenty, "")
}

func TestNodeThatStartsOnAFullDiskStaysShutAndSaysWhy(t *testing.T) {
	h, disk := onDisk(t, 0)
	h.untilShown("full", 0, "DISK_FULL")
	if h.Node().Up() || h.Fills() != 0 {
		t.Fatal("the node trades on a full disk")
	}
	disk.AnswerFree(plenty)
	h.trades()
}
