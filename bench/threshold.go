package bench

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrThreshold says that a bound cannot be held against the benchmark: it is no bound, or names no figure of it.
var ErrThreshold = errors.New("threshold")

// Threshold is a bound on a figure, and whether it was met.
type Threshold struct {
	Text  string  `json:"text"`
	Value float64 `json:"value"`
	Pass  bool    `json:"pass"`
}

// bound is a threshold that was read: a figure's name, a relation, a number.
type bound struct {
	text, name string
	atLeast    bool
	value      float64
}

// parseBound reads NAME<=NUMBER or NAME>=NUMBER, where NUMBER may end in us or ms for a time.
func parseBound(s string) (bound, error) {
	for _, rel := range []string{"<=", ">="} {
		name, number, ok := strings.Cut(s, rel)
		if !ok {
			continue
		}
		factor := 1.0
		for suffix, f := range map[string]float64{"ns": 1, "us": 1e3, "ms": 1e6} {
			if rest, cut := strings.CutSuffix(number, suffix); cut {
				number, factor = rest, f
			}
		}
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || name == "" {
			break
		}
		return bound{s, strings.TrimSpace(name), rel == ">=", v * factor}, nil
	}
	return bound{}, fmt.Errorf("%w: %q, want NAME<=NUMBER or NAME>=NUMBER", ErrThreshold, s)
}

// judge holds each bound against the figures. A name that is no figure of the benchmark is an error.
func judge(texts []string, figures map[string]float64) ([]Threshold, error) {
	out := []Threshold{}
	for _, text := range texts {
		b, err := parseBound(text)
		if err != nil {
			return nil, err
		}
		v, ok := figures[b.name]
		if !ok {
			return nil, fmt.Errorf("%w: %q, and this benchmark has no figure %q", ErrThreshold, text, b.name)
		}
		out = append(out, Threshold{text, v, b.atLeast && v >= b.value || !b.atLeast && v <= b.value})
	}
	return out, nil
}

// Failed reports whether a threshold was not met.
func (a Answer) Failed() bool {
	for _, t := range a.Thresholds {
		if !t.Pass {
			return true
		}
	}
	return false
}
