package failshut

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// answer prints v as one JSON object, or as a table drawn from that same object, so that the two cannot differ.
func answer(w io.Writer, format string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	if format == "json" {
		_, err = fmt.Fprintf(w, "%s\n", b)
		return err
	}
	tree, err := parseOrdered(b)
	if err != nil {
		return fmt.Errorf("reading the answer back: %w", err)
	}
	return drawTable(w, tree)
}

// member is one key of an object, in the order in which it was written.
type member struct {
	key   string
	value any
}

// parseOrdered reads JSON keeping the order of keys: objects become []member, lists []any, the rest plain text.
func parseOrdered(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return orderedValue(d)
}

func orderedValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch x := t.(type) {
	case json.Delim:
		if x == '{' {
			return orderedObject(d)
		}
		return orderedList(d)
	case nil:
		return "-", nil
	default:
		return fmt.Sprint(x), nil
	}
}

func orderedObject(d *json.Decoder) (any, error) {
	out := []member{}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := orderedValue(d)
		if err != nil {
			return nil, err
		}
		out = append(out, member{fmt.Sprint(k), v})
	}
	_, err := d.Token()
	return out, err
}

func orderedList(d *json.Decoder) (any, error) {
	out := []any{}
	for d.More() {
		v, err := orderedValue(d)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := d.Token()
	return out, err
}

// drawTable prints the plain keys of an object first, then each list of objects as a table of its own.
func drawTable(w io.Writer, v any) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	object, ok := v.([]member)
	if !ok {
		_, _ = fmt.Fprintln(tw, flat(v))
		return tw.Flush()
	}
	for _, m := range object {
		if !isTable(m.value) {
			_, _ = fmt.Fprintf(tw, "%s\t%s\n", m.key, flat(m.value))
		}
	}
	for _, m := range object {
		if isTable(m.value) {
			drawRows(tw, m.key, m.value.([]any))
		}
	}
	return tw.Flush()
}

func isTable(v any) bool {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return false
	}
	_, rows := list[0].([]member)
	return rows
}

func drawRows(w io.Writer, name string, rows []any) {
	_, _ = fmt.Fprintf(w, "\n%s\n", name)
	first := rows[0].([]member)
	heads := make([]string, len(first))
	for i, m := range first {
		heads[i] = strings.ToUpper(m.key)
	}
	_, _ = fmt.Fprintf(w, "%s\n", strings.Join(heads, "\t"))
	for _, row := range rows {
		cells := []string{}
		if object, ok := row.([]member); ok {
			for _, m := range object {
				cells = append(cells, flat(m.value))
			}
		}
		_, _ = fmt.Fprintf(w, "%s\n", strings.Join(cells, "\t"))
	}
}

// flat writes a value on one line.
func flat(v any) string {
	switch x := v.(type) {
	case []member:
		parts := make([]string, len(x))
		for i, m := range x {
			parts[i] = m.key + "=" + flat(m.value)
		}
		return strings.Join(parts, " ")
	case []any:
		parts := make([]string, len(x))
		for i, item := range x {
			parts[i] = flat(item)
		}
		if len(parts) == 0 {
			return "-"
		}
		return strings.Join(parts, ", ")
	default:
		return strings.ReplaceAll(fmt.Sprint(v), "\n", " ")
	}
}
