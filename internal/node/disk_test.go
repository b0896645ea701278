package node_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
)

const plenty = 1 << 40

// hanging runs the demonstration with one order that rests, and then has the disk under its journal hang until release is called.
// The times of the disk are short, and the journal's own watchdog is set, which must not end it.
func hanging(t *testing.T) (h *house, release func()) {
	t.Helper()
	disk := journal.NewFaultFS(journal.NewMemFS(1))
	disk.AnswerFree(plenty)
	h = open(t, strategy.Define("cross", func() *resting { return &resting{} }), func(c *node.DemoConfig) {
		c.Disk = disk
		c.Change = func(p *node.Plan) {
			quick(p)
			p.Supervision.Watchdogs.Journal = 50 * time.Millisecond
			p.Orders.QuietAfter = 100 * time.Millisecond // the venue is asked, and its answers are something to write
			p.Disk.Slow, p.Disk.Dead = 100*time.Millisecond, 300*time.Millisecond
		}
	})
	h.until("an order that rests", func() bool { return h.Node().Live("A1") == 1 })
	back := make(chan struct{})
	release = sync.OnceFunc(func() { close(back) })
	t.Cleanup(release) // before the node's own end, which waits for it
	disk.OnSync(func() { <-back })
	return h, release
}

// endings are the lines in which the tree says that a part has ended.
func endings(lines []string) (out []string) {
	for _, line := range lines {
		if strings.HasPrefix(line, "exit ") || strings.HasPrefix(line, "abandon ") {
			out = append(out, line)
		}
	}
	return out
}

func TestADiskThatHangsShutsTheGateAndCancelsLeave(t *testing.T) {
	h, release := hanging(t)
	mark := h.mark()
	h.untilShown("stuck", plenty, "DISK_STUCK")
	h.until("the end of every live order", func() bool { return h.Node().Live("A1") == 0 })
	if got := endings(h.since(mark)); len(got) != 0 {
		t.Errorf("the tree says %q, want nobody's end", got)
	}
	release()
	h.untilShown("ok", plenty, "")
	h.until("an order that rests", func() bool { return h.Node().Live("A1") == 1 })
}

func TestAnOrderlyStopOverADiskThatHangsLeavesNoOrder(t *testing.T) {
	h, release := hanging(t)
	mark := h.mark()
	h.Shutdown()
	h.until("the stop of the venues", func() bool { return slices.Contains(h.since(mark), "exit venues#1 shutdown") })
	if n := h.Node().Live("A1"); n != 0 {
		t.Errorf("%d orders are left, want none", n)
	}
	release()
	if a := h.end(); a.Result.Code != supervision.CodeOrderly {
		t.Errorf("the tree ends with %+v, want every phase to have succeeded", a.Result)
	}
}

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
