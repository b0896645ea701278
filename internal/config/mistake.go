// Package config reads the two kinds of configuration file, node and venue, strictly: an unknown, repeated or misplaced
// key, a float where money stands, a reference to nothing are mistakes, and one run names every mistake with its place.
// It keeps promise P2 at the earliest moment: what is missing is an error, never a default that trades. It opens no
// socket and no file but the one it is given, and holds no wiring.
package config

import (
	"fmt"
	"sort"
	"strings"
)

// Mistake is one thing wrong in a configuration file. Line and Column count from 1, in runes.
type Mistake struct {
	Line       int    `json:"line"`
	Column     int    `json:"column"`
	Key        string `json:"key"`
	Message    string `json:"message"`
	Suggestion string `json:"suggestion"`
	Excerpt    string `json:"excerpt"`
}

// Mistakes are all that one reading found, in the order of the file.
type Mistakes []Mistake

// shown bounds what a terminal gets; the count of the rest follows.
const shown = 100

// Error prints at most 100 mistakes with their lines, then how many more there are.
func (m Mistakes) Error() string { return m.Text("") }

// Text prints the mistakes as Error does, each behind the file's name.
func (m Mistakes) Text(file string) string {
	var b strings.Builder
	for i, x := range m {
		if i == shown {
			fmt.Fprintf(&b, "and %d more\n", len(m)-shown)
			break
		}
		fmt.Fprintf(&b, "%s:%d:%d: %s", file, x.Line, x.Column, x.Message)
		if x.Suggestion != "" {
			fmt.Fprintf(&b, "; %s", x.Suggestion)
		}
		b.WriteByte('\n')
		if x.Excerpt != "" {
			b.WriteString(x.Excerpt)
			b.WriteByte('\n')
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (m Mistakes) sort() {
	sort.SliceStable(m, func(i, j int) bool {
		if m[i].Line != m[j].Line {
			return m[i].Line < m[j].Line
		}
		return m[i].Column < m[j].Column
	})
}

// excerpt shows the line with a caret under the place, as compilers do.
func excerpt(lines []string, at place) string {
	if at.line < 1 || at.line > len(lines) {
		return ""
	}
	line := strings.ReplaceAll(lines[at.line-1], "\t", " ")
	number := fmt.Sprintf("%5d", at.line)
	width := at.width
	if rest := len([]rune(line)) - at.column + 1; width > rest {
		width = max(1, rest)
	}
	return fmt.Sprintf("%s | %s\n      | %s%s", number, line, strings.Repeat(" ", max(0, at.column-1)), strings.Repeat("^", width))
}
