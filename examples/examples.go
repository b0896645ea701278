// Package examples holds what the demonstrations share: a chart that they write as SVG and a table that they print. It
// keeps P9: the same figures give the same bytes, so a page in docs can be held against the code that wrote it.
package examples

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Table is figures in rows. The first column is text, the others are numbers and stand at the right.
type Table struct {
	Head []string
	Rows [][]string
}

// Text is the table for a terminal.
func (t Table) Text() string {
	wide := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, cell := range row {
			wide[i] = max(wide[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, cell := range row {
			gap := strings.Repeat(" ", wide[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString(cell + gap)
				continue
			}
			b.WriteString("  " + gap + cell)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Markdown is the table for a page.
func (t Table) Markdown() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.Head)
	b.WriteString("|---|" + strings.Repeat("---:|", len(t.Head)-1) + "\n")
	for _, row := range t.Rows {
		line(row)
	}
	return b.String()
}

// Wrap breaks text at spaces into lines of at most 100 characters, where its words allow it.
func Wrap(text string) string {
	var b strings.Builder
	wide := 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case wide == 0:
		case wide+1+n > 100:
			b.WriteString("\n")
			wide = 0
		default:
			b.WriteString(" ")
			wide++
		}
		b.WriteString(word)
		wide += n
	}
	return b.String() + "\n"
}
