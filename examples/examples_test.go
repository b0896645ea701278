package examples_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/examples"
)

func TestATableStandsInColumns(t *testing.T) {
	table := examples.Table{Head: []string{"policy", "n"}, Rows: [][]string{{"± 20 %", "7"}, {"full", "1234"}}}
	if got, want := table.Text(), "policy     n\n± 20 %     7\nfull    1234\n"; got != want {
		t.Errorf("Text() = %q, want %q", got, want)
	}
	if got, want := table.Markdown(), "| policy | n |\n|---|---:|\n| ± 20 % | 7 |\n| full | 1234 |\n"; got != want {
		t.Errorf("Markdown() = %q, want %q", got, want)
	}
}

func TestTextIsWrapped(t *testing.T) {
	long := strings.Repeat("word ", 50)
	for line := range strings.Lines(examples.Wrap(long)) {
		if n := len(strings.TrimSuffix(line, "\n")); n > 100 || n == 0 {
			t.Errorf("a line of %d characters", n)
		}
	}
	if got, want := strings.Fields(examples.Wrap(long)), strings.Fields(long); len(got) != len(want) {
		t.Errorf("%d words, want %d", len(got), len(want))
	}
}

// TestAChartIsXML reads one back: what it says must be in it, and no script.
func TestAChartIsXML(t *testing.T) {
	c := examples.Chart{
		Title: "a < b & c", Bucket: 100 * time.Millisecond, Outage: time.Second, Span: 3 * time.Second, Capacity: 20,
		Rows: []examples.ChartRow{{Name: "full", Counts: []int{0, 100, 1, 1}, Refused: []int{0, 50}, Notes: []string{"50 refused"}}, {Name: "idle"}},
	}
	var texts []string
	elements := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(c.SVG()))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			elements[x.Name.Local]++
		case xml.CharData:
			texts = append(texts, string(x))
		}
	}
	for _, want := range []string{"a < b & c", "full", "idle", "50 refused", "0 s"} {
		if !strings.Contains(strings.Join(texts, "|"), want) {
			t.Errorf("no %q in %q", want, texts)
		}
	}
	if elements["script"] > 0 || elements["svg"] != 1 || elements["path"] != 6 { // bars, refused, and two lines for each row
		t.Errorf("elements %v", elements)
	}
}
