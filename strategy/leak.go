package strategy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strconv"
	"strings"
)

// Goroutines that a strategy starts carry its name and incarnation as labels of the profiler, for who starts them has them: a
// strategy may leave some behind, and then somebody must be able to say whose they are.

// noLabels is what the runtime's own goroutines carry.
var noLabels = context.Background()

// labelsOf are those of one incarnation.
func labelsOf(name string, epoch uint64) context.Context {
	return pprof.WithLabels(noLabels, pprof.Labels("strategy", name, "incarnation", strconv.FormatUint(epoch, 10)))
}

// mark puts the labels on the strategy's turn, and unmark takes them off again.
func (s *shell) mark()   { pprof.SetGoroutineLabels(s.labels) }
func (s *shell) unmark() { pprof.SetGoroutineLabels(noLabels) }

// countLeft tells how many goroutines an incarnation leaves behind. It stops the world for a moment, once in an incarnation.
func (s *shell) countLeft() {
	f := s.cfg.Events.Goroutines
	if f == nil {
		return
	}
	f(s.cfg.Name, goroutinesOf(s.cfg.Name, uint64(s.self.Epoch())))
}

// goroutinesOf counts the goroutines that carry the labels of an incarnation.
func goroutinesOf(name string, epoch uint64) int {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return 0 // a buffer takes everything
	}
	marks := [...]string{fmt.Sprintf("%q:%q", "strategy", name), fmt.Sprintf("%q:%q", "incarnation", strconv.FormatUint(epoch, 10))}
	total, alike := 0, 0
	lines := bufio.NewScanner(&profile)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if n, _, found := strings.Cut(line, " @ "); found {
			alike, _ = strconv.Atoi(n)
			continue
		}
		if labels, found := strings.CutPrefix(line, "# labels: "); found && strings.Contains(labels, marks[0]) && strings.Contains(labels, marks[1]) {
			total += alike
		}
	}
	return total
}
