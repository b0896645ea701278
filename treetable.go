package failshut

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
)

const treeSchema = "failshut.tree/1"

// treeRow is what the table shows of one node of the tree: the answer itself has more, as JSON.
type treeRow struct {
	Path      string `json:"path"`
	Epoch     uint64 `json:"epoch"`
	Status    string `json:"status"`
	Ready     bool   `json:"ready"`
	Restarts  uint64 `json:"restarts"`
	Intensity *struct {
		Used    int `json:"used"`
		Allowed int `json:"allowed"`
	} `json:"intensity"`
	LastEnd *struct {
		Reason string `json:"reason"`
		At     string `json:"at"`
	} `json:"last_end"`
	Mailbox *struct {
		Lanes []struct {
			Queued int `json:"queued"`
		} `json:"lanes"`
	} `json:"mailbox"`
	Zombies []struct {
		Epoch uint64 `json:"epoch"`
	} `json:"zombies"`
}

// tree asks for the tree and shows it: whole as JSON, and as a table what one looks for first.
func (c *cli) tree(ctx context.Context, f clientFlags, q url.Values) error {
	client, err := f.dial()
	if err != nil {
		return err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	path := "/api/v1/tree"
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	status, body, err := client.Get(ctx, path)
	if err != nil {
		return endWith(ExitUnreachable, f.unanswered(err))
	}
	var a struct {
		Schema string    `json:"schema"`
		Node   string    `json:"node"`
		At     string    `json:"at"`
		Frozen bool      `json:"frozen"`
		Nodes  []treeRow `json:"nodes"`
	}
	if err := json.Unmarshal(body, &a); err != nil || a.Schema != treeSchema || status != http.StatusOK || c.output == "json" {
		return c.show(status, body, treeSchema)
	}
	w := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "node\t%s\nat\t%s\nfrozen\t%t\n\nPATH\tEPOCH\tSTATUS\tREADY\tRESTARTS\tWINDOW\tQUEUED\tLAST END\tLEFT BEHIND\n", a.Node, a.At, a.Frozen)
	for _, n := range a.Nodes {
		_, _ = fmt.Fprintln(w, strings.Join(n.cells(), "\t"))
	}
	return w.Flush()
}

func (n *treeRow) cells() []string {
	window, queued, end := "-", "-", "-"
	if n.Intensity != nil {
		window = fmt.Sprintf("%d/%d", n.Intensity.Used, n.Intensity.Allowed)
	}
	if n.Mailbox != nil {
		sum := 0
		for _, l := range n.Mailbox.Lanes {
			sum += l.Queued
		}
		queued = fmt.Sprint(sum)
	}
	if n.LastEnd != nil {
		end = n.LastEnd.Reason + " " + n.LastEnd.At
	}
	left := make([]string, len(n.Zombies))
	for i, z := range n.Zombies {
		left[i] = fmt.Sprintf("#%d", z.Epoch)
	}
	if len(left) == 0 {
		left = []string{"-"}
	}
	return []string{
		n.Path, fmt.Sprint(n.Epoch), n.Status, fmt.Sprint(n.Ready), fmt.Sprint(n.Restarts), window, queued, end, strings.Join(left, " "),
	}
}
