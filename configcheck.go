package failshut

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/risk"
)

type configCheckAnswer struct {
	Schema        string              `json:"schema"`
	Files         []configCheckedFile `json:"files"`
	SeedHash      *string             `json:"seed_hash"`
	ControlsHash  *string             `json:"controls_hash"`
	MissingLimits []missingLimit      `json:"missing_limits"`
	NotEnforced   []string            `json:"not_enforced"`
}

type configCheckedFile struct {
	File     string          `json:"file"`
	Kind     config.Kind     `json:"kind"`
	OK       bool            `json:"ok"`
	Errors   config.Mistakes `json:"errors"`
	Warnings config.Mistakes `json:"warnings"`
}

type missingLimit struct {
	Scope   string `json:"scope"`
	Measure string `json:"measure"`
}

func (c *cli) configCommand() *cobra.Command {
	parent := &cobra.Command{Use: "config", Short: "Look at configuration before it is used", Args: cobra.NoArgs, RunE: help}
	parent.AddCommand(&cobra.Command{
		Use:     "check FILE...",
		Short:   "Every mistake in node and venue files, with its place",
		Example: "  failshut config check examples/cluster/venue.example.yaml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			return c.configCheck(files)
		},
	})
	return parent
}

func (c *cli) configCheck(names []string) error {
	a := configCheckAnswer{
		Schema: "failshut.config.check/1", Files: []configCheckedFile{},
		MissingLimits: []missingLimit{}, NotEnforced: notEnforced(),
	}
	bad := 0
	for _, name := range names {
		f, err := readConfig(name, c.defs)
		if err != nil {
			return err
		}
		checked := configCheckedFile{
			File: name, Kind: f.Kind, OK: len(f.Mistakes) == 0,
			Errors: orEmpty(f.Mistakes), Warnings: orEmpty(f.Warnings),
		}
		if !checked.OK {
			bad++
			c.say("%s", f.Mistakes.Text(name))
		}
		for _, w := range f.Warnings {
			w.Message = "warning: " + w.Message
			c.say("%s", config.Mistakes{w}.Text(name))
		}
		a.Files = append(a.Files, checked)
		a.of(f)
	}
	var shown any = a
	if c.output != "json" {
		shown = a.view()
	}
	if err := answer(c.stdout, c.output, shown); err != nil {
		return err
	}
	if bad > 0 {
		return answered(ExitConfig, fmt.Sprintf("%d of %d files have mistakes", bad, len(names)))
	}
	return nil
}

// view is what the table shows: how many mistakes each file has. They stand on stderr, one below another.
func (a configCheckAnswer) view() any {
	type row struct {
		File     string      `json:"file"`
		Kind     config.Kind `json:"kind"`
		OK       bool        `json:"ok"`
		Errors   int         `json:"errors"`
		Warnings int         `json:"warnings"`
	}
	rows := []row{}
	for _, f := range a.Files {
		rows = append(rows, row{f.File, f.Kind, f.OK, len(f.Errors), len(f.Warnings)})
	}
	return struct {
		configCheckAnswer
		Files []row `json:"files"`
	}{a, rows}
}

// of adds what a node file says of risk: hashes by which nodes are compared, and the limits it lacks.
func (a *configCheckAnswer) of(f *config.File) {
	if f.Kind != config.KindNode {
		return
	}
	for _, m := range f.Missing {
		a.MissingLimits = append(a.MissingLimits, missingLimit{m.Scope.String(), m.Measure.String()})
	}
	if len(f.Mistakes) > 0 {
		return
	}
	if limits, err := f.Node.Seed(); err == nil {
		hash := risk.LimitsHash(limits)
		a.SeedHash = &hash
	}
	if b, err := json.Marshal(f.Node.Risk.Controls); err == nil {
		sum := sha256.Sum256(b)
		hash := hex.EncodeToString(sum[:])
		a.ControlsHash = &hash
	}
}

// readConfig reads a configuration file; one that cannot be read at all is a failure, its mistakes are not.
func readConfig(name string, known config.Strategies) (*config.File, error) {
	src, err := readSmall(name, config.MaxBytes)
	if err != nil {
		return nil, endWith(ExitFailure, fmt.Errorf("reading the configuration: %w", err))
	}
	return config.Read(name, src, known), nil
}

func orEmpty(m config.Mistakes) config.Mistakes {
	if m == nil {
		return config.Mistakes{}
	}
	return m
}
