// Command table runs the programs of all systems, each case in a process of its own, one after the other in an order that
// the seed shuffles, and prints medians, ratios in the same runs, and the targets of this project.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/failshut/failshut/bench/peers/peer"
)

// system is a system and the program that measures it.
type system struct{ program, name string }

var systems = []system{
	{failshut, channel},
	{failshut, failshut},
	{failshut, pinned},
	{failshut, spinning},
	{failshut, loop},
	{protoactor, protoactor},
	{protoactor, "protoactor bounded"},
	{"hollywood", "hollywood"},
	{"goakt", "goakt"},
}

var loads = []load{
	{mode: "throughput", senders: 1},
	{mode: "throughput", senders: 4},
	{mode: "pingpong", senders: 1},
	{mode: "steady", senders: 1, rate: 100_000},
	{mode: "steady", senders: 1, rate: 500_000},
	{mode: "wake", senders: 1},
	{mode: "overload", senders: 1},
}

// has says whether the system differs under the load from what else runs: a loop does where actors play to each other,
// and an actor that spins where one waits.
func (s system) has(l load) bool {
	switch s.name {
	case loop:
		return l.mode == "pingpong"
	case spinning:
		return l.mode == "pingpong" || l.mode == "steady" || l.mode == "wake"
	default:
		return true
	}
}

type config struct {
	programs         string
	runs             int
	duration, warmup time.Duration
	seed             uint64
	json             string
}

func main() {
	var c config
	flag.StringVar(&c.programs, "programs", "", "folder of the programs")
	flag.IntVar(&c.runs, "runs", 3, "of each case and system")
	flag.DurationVar(&c.duration, "duration", time.Second, "of each run")
	flag.DurationVar(&c.warmup, "warmup", time.Second/5, "before each run")
	flag.Uint64Var(&c.seed, "seed", 1, "order of the runs")
	flag.StringVar(&c.json, "json", "", "file for all runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, c)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c config) error {
	if c.runs < 1 || c.duration <= 0 {
		return fmt.Errorf("runs = %d and duration = %s, want at least 1 and more than 0", c.runs, c.duration)
	}
	var all []peer.Figures
	draw := rand.New(rand.NewPCG(c.seed, 0x7065657273))
	for range c.runs {
		for _, l := range loads {
			for _, i := range draw.Perm(len(systems)) {
				if !systems[i].has(l) {
					continue
				}
				f := measure(ctx, c, systems[i], l)
				if err := ctx.Err(); err != nil {
					return context.Cause(ctx)
				}
				all = append(all, f)
			}
		}
	}
	if c.json != "" {
		b, err := json.MarshalIndent(all, "", " ")
		if err == nil {
			err = os.WriteFile(c.json, b, 0o644) //nolint:gosec // a report
		}
		if err != nil {
			return err
		}
	}
	if err := print(os.Stdout, all); err != nil {
		return err
	}
	return failures(all)
}

// failures names every run that gave no figures though it should: a comparison with a library that failed is none.
func failures(all []peer.Figures) error {
	var errs []error
	for _, f := range all {
		if f.Failed {
			errs = append(errs, fmt.Errorf("%s, %s: %s", f.System, loadOf(f), f.Note))
		}
	}
	return errors.Join(errs...)
}

// patience is how long a program may take beyond what it measures: a library that hangs is a result too.
const patience = 20 * time.Second

// measure runs one case in a process. A process that fails or does not end is a note, and ended by its own id.
func measure(ctx context.Context, c config, s system, l load) peer.Figures {
	ctx, cancel := context.WithTimeout(ctx, c.warmup+c.duration+patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(c.programs, s.program), "-system", s.name, "-mode", l.mode, //nolint:gosec // ours
		"-senders", strconv.Itoa(l.senders), "-rate", strconv.Itoa(l.rate), "-duration", c.duration.String(), "-warmup", c.warmup.String(), "-seed", strconv.FormatUint(c.seed, 10))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	f := peer.Figures{System: s.name, Mode: l.mode, Senders: l.senders, Rate: l.rate}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		f.Failed, f.Note = true, "did not end in time"
	case err != nil:
		first, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		f.Failed, f.Note = true, cmp.Or(first, err.Error())
	default:
		if err := json.Unmarshal(stdout.Bytes(), &f); err != nil {
			f.Failed, f.Note = true, "no figures: "+err.Error()
		}
	}
	return f
}
