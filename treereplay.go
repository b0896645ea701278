package failshut

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/supervision"
)

func (c *cli) treeReplayCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "replay FILE...",
		Short:   "Decide again what the tree of a node has decided, and name the first difference",
		Example: "  failshut tree replay ./data/n1/supervision",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			return c.treeReplay(files)
		},
	}
}

// treeReplayAnswer is what came of all journals that were named.
type treeReplayAnswer struct {
	Schema  string          `json:"schema"`
	Records uint64          `json:"records"`
	Judged  uint64          `json:"judged"`
	Dropped uint64          `json:"dropped"`
	First   *treeDifference `json:"first_difference"`
	Damage  *string         `json:"damage"`
}

type treeDifference struct {
	Seq   uint64   `json:"seq"`
	Input string   `json:"input"`
	Want  []string `json:"want"`
	Got   []string `json:"got"`
}

func (c *cli) treeReplay(files []string) error {
	a := treeReplayAnswer{Schema: "failshut.tree.replay/1"}
	journals, err := decisionJournals(files)
	if err != nil {
		return endWith(ExitFailure, err)
	}
	for _, j := range journals {
		r, err := supervision.ReplayJournal(journal.Read(j, j.dir, 0))
		if r.Records == 0 {
			err = cmp.Or(err, r.Damage, errors.New("found no decision, want the journal of a tree's decisions"))
		}
		if err != nil {
			return endWith(ExitFailure, fmt.Errorf("%s: %w", j.dir, err))
		}
		a.add(r)
	}
	if err := answer(c.stdout, c.output, a); err != nil {
		return err
	}
	switch {
	case a.First != nil:
		return answered(ExitVerification, fmt.Sprintf("decision %d is decided otherwise", a.First.Seq))
	case a.Dropped > 0:
		return answered(ExitPartial, fmt.Sprintf("%d decisions are missing", a.Dropped))
	case a.Damage != nil:
		return answered(ExitPartial, *a.Damage)
	case a.Judged == 0:
		return answered(ExitPartial, "no decision stands behind a whole state, so none could be judged")
	}
	return nil
}

func (a *treeReplayAnswer) add(r supervision.Replay) {
	a.Records, a.Judged, a.Dropped = a.Records+r.Records, a.Judged+r.Judged, a.Dropped+r.Dropped
	if d := r.First; d != nil && a.First == nil {
		a.First = &treeDifference{d.Seq, d.Input, d.Want, d.Got}
	}
	if r.Damage != nil && a.Damage == nil {
		text := r.Damage.Error()
		a.Damage = &text
	}
}

// decisionJournal is a directory of segments, or some of those in it.
type decisionJournal struct {
	journal.FS

	dir   string
	names []string
}

// List gives the segments that are to be read.
func (j decisionJournal) List(string) ([]string, error) { return j.names, nil }

var segmentName = regexp.MustCompile(`^\d{20}\.seg$`)

// decisionJournals sorts what was named: each directory is a journal, and files of one directory are one.
func decisionJournals(files []string) (out []decisionJournal, err error) {
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		dir, names := filepath.Dir(name), []string{filepath.Base(name)}
		if info.IsDir() {
			dir = filepath.Clean(name)
			if names, err = segmentsIn(dir); err != nil {
				return nil, err
			}
		} else if !segmentName.MatchString(names[0]) {
			return nil, fmt.Errorf("%s is named as no segment, want a name of 20 digits and .seg, or a directory of such files", name)
		}
		at := slices.IndexFunc(out, func(j decisionJournal) bool { return j.dir == dir })
		if at < 0 {
			at, out = len(out), append(out, decisionJournal{FS: journal.OS(), dir: dir})
		}
		out[at].names = append(out[at].names, names...)
	}
	for i := range out {
		slices.Sort(out[i].names)
		out[i].names = slices.Compact(out[i].names)
		for _, name := range out[i].names {
			if err := regular(filepath.Join(out[i].dir, name)); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func segmentsIn(dir string) (names []string, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if segmentName.MatchString(f.Name()) {
			names = append(names, f.Name())
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has %d files and no segment, want files of 20 digits and .seg", dir, len(files))
	}
	return names, nil
}
