package judge

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/market"
)

// Format is how one kind of recording is read. The table of them is made by the caller, who knows the codecs.
type Format struct {
	Name   string
	Family capture.Family
	Venue  market.Venue
	// New returns a feed of cfg. Judge sets cfg.Offline.
	New func(cfg feeds.Config) (feeds.Feed, error)
	// TimeBase is what times count from: "unix" when "".
	TimeBase string
}

// Verify reads the files as one recording, with the bodies of snapshots merged in by time, and reports what it
// found. It returns an error only when the recording cannot be read at all, or its files are out of order
// (capture.ErrOrder, which is a mistake of usage), or when ctx ends first, whose error it wraps.
func Verify(ctx context.Context, f Format, files, snapshots []string) (Report, error) {
	r, _, err := run(ctx, f, files, snapshots, nil)
	return r, err
}

// tap sees what a run sees.
type tap struct {
	applied func(feeds.Applied)
	err     func() error // stops the run
}

func run(ctx context.Context, f Format, files, snapshots []string, t *tap) (Report, *feeds.Desk, error) {
	rec, err := capture.Open(ctx, f.Family, files, snapshots)
	if err != nil {
		return Report{}, nil, err
	}
	defer func() { _ = rec.Close() }() // it was only read
	cfg := feeds.Config{Venue: f.Venue, Name: f.Name, Limits: feeds.DefaultLimits(), Offline: true}
	if t != nil {
		cfg.Applied = t.applied
	}
	feed, err := f.New(cfg)
	if err != nil {
		return Report{}, nil, fmt.Errorf("judge: %s: %w", f.Name, err)
	}
	if err := play(ctx, feed, rec, t); err != nil {
		return Report{}, nil, err
	}
	return report(f, feed, rec), feed.Desk(), nil
}

// play steps feed through rec. The time of a packet stands for the monotonic clock.
func play(ctx context.Context, feed feeds.Feed, rec *capture.Recording, t *tap) error {
	now := int64(0)
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("judge: reading was stopped: %w", err)
		}
		p, err := rec.Next()
		if errors.Is(err, io.EOF) {
			feed.Step(now, feeds.Input{Kind: feeds.End})
			return nil
		}
		if err != nil {
			return err
		}
		now = max(now, int64(p.Recv))
		malformed := feed.Desk().Counts.Torn
		feed.Step(now, p.Input)
		if feed.Desk().Counts.Torn && !malformed {
			rec.Untaken(int64(len(p.Data)), true)
		}
		if t != nil && t.err != nil {
			if err := t.err(); err != nil {
				return err
			}
		}
	}
}

func report(f Format, feed feeds.Feed, rec *capture.Recording) Report {
	d := feed.Desk()
	c := d.Counts
	by, worst := d.States()
	r := Report{
		Schema: Schema, Format: f.Name, Files: rec.Files(), DetectionLimit: feed.Detects(),
		Packets: c.Packets, Messages: c.Messages, ByType: feed.ByType(), Heartbeats: c.Heartbeats, Control: c.Control,
		Malformed: c.Malformed, UnknownTypes: c.UnknownTypes, Truncated: rec.Truncated(), BytesUnread: rec.Unread(),
		Gaps: c.Gaps, GapMessages: &c.GapMessages, Resets: c.Resets, Strays: c.Strays,
		Duplicates: c.Duplicates, Conflicts: c.Conflicts, Reordered: c.Reordered, StaleDropped: c.StaleDropped,
		Snapshots: c.Snapshots, Rejected: c.SnapshotsRejected, Unapplied: c.Unapplied,
		UnknownOrders: c.UnknownOrders, Contradictions: c.Contradictions, UnknownLevels: c.UnknownLevels,
		ChecksumsOK: c.ChecksumsOK, ChecksumsBad: c.ChecksumsBad, Crossed: c.Crossed, Locked: c.Locked,
		States: map[string]int{}, FinalState: worst.String(), LateJoin: c.LateJoin, EndOfSession: c.EndOfSession,
		OracleOK: c.OracleOK, OracleBad: c.OracleBad, OracleSkipped: c.OracleSkipped,
		TimeBase: f.TimeBase, Silences: c.Silences,
	}
	if r.TimeBase == "" {
		r.TimeBase = "unix"
	}
	if c.GapUnsized {
		r.GapMessages = nil
	}
	if c.First != 0 {
		first, last := Nanos(c.First), Nanos(c.Last)
		r.FirstTime, r.LastTime = &first, &last
	}
	if c.Received {
		r.MaxSilence = &c.MaxSilence
	}
	for s, n := range by {
		r.States[s.String()] += n
		r.Symbols += n
	}
	r.Verdict, r.Reasons = Pass, r.reasons(f.Family == capture.Lines)
	if len(r.Reasons) > 0 {
		r.Verdict = Fail
	}
	return r
}
