package failshut

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

const ordersSchema = "failshut.orders/1"

// ordersFlags are the words of a question about orders.
type ordersFlags struct {
	clientFlags
	account, symbol, strategy, status, since, after string
	unknown, open                                   bool
	limit                                           int
}

func (f *ordersFlags) on(cmd *cobra.Command) {
	f.clientFlags.on(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.account, "account", "", "of this account alone; of one order, where two accounts have the id")
	flags.StringVar(&f.symbol, "symbol", "", "in this instrument alone")
	flags.StringVar(&f.strategy, "strategy", "", "of this strategy or trader alone")
	flags.StringVar(&f.status, "status", "", "in this state alone, such as NEW, PF, F, CXL or UNKNOWN")
	flags.BoolVar(&f.unknown, "unknown", false, "only those of unknown state")
	flags.BoolVar(&f.open, "open", false, "only those that are not closed")
	flags.StringVar(&f.since, "since", "", "only those that came to be at this time (RFC 3339) or later")
	flags.IntVar(&f.limit, "limit", control.OrdersLimit, "how many at most, 1 to "+strconv.Itoa(control.MaxOrdersLimit))
	flags.StringVar(&f.after, "after", "", "those behind this one: the `next` of an earlier answer")
}

// listing are the flags that mean a list, and nothing to one order.
var listing = []string{"symbol", "strategy", "status", "unknown", "open", "since", "limit", "after"}

func (f *ordersFlags) query() (url.Values, error) {
	if f.limit < 1 || f.limit > control.MaxOrdersLimit {
		return nil, usagef("--limit is %d, want 1 to %d", f.limit, control.MaxOrdersLimit)
	}
	if f.status != "" {
		if _, ok := orders.ParseStatus(f.status); !ok {
			return nil, usagef("--status is %q, want one such as NEW, PF, F, CXL or UNKNOWN", f.status)
		}
	}
	if _, err := market.ParseTimestamp(f.since); err != nil {
		return nil, usagef("--since: %v", err)
	}
	q := wordsOf(map[string]string{
		"account": f.account, "symbol": f.symbol, "strategy": f.strategy, "status": f.status, "since": f.since, "after": f.after,
	})
	if f.unknown {
		q.Set("unknown", "true")
	}
	if f.open {
		q.Set("open", "true")
	}
	if f.limit != control.OrdersLimit {
		q.Set("limit", strconv.Itoa(f.limit))
	}
	return q, nil
}

// wordsOf is a query of the words that say something.
func wordsOf(words map[string]string) url.Values {
	q := url.Values{}
	for word, value := range words {
		if value != "" {
			q.Set(word, value)
		}
	}
	return q
}

func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func (c *cli) ordersCommand() *cobra.Command {
	var f ordersFlags
	cmd := &cobra.Command{
		Use:     "orders [ID]",
		Short:   "The orders of a node; of one order also its life, as the journal has it",
		Example: "  failshut orders --open --addr unix:./data/n1/admin.sock\n  failshut orders 1000001000000001",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := f.query()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return c.orders(cmd.Context(), f.clientFlags, q)
			}
			for _, name := range listing {
				if cmd.Flags().Changed(name) {
					return usagef("--%s is of a list of orders, want ID or --%s", name, name)
				}
			}
			if args[0] == "" {
				return usagef("ID is empty, want an id of an order, or @ and the venue's")
			}
			return c.order(cmd.Context(), f.clientFlags, withQuery("/api/v1/orders/"+url.PathEscape(args[0]), q))
		},
	}
	f.on(cmd)
	cmd.AddCommand(c.ordersResolveCommand())
	return cmd
}

// orderLine is what the table shows of one order: the answer itself has more, as JSON.
type orderLine struct {
	ID       string   `json:"id"`
	Account  string   `json:"account"`
	Strategy *string  `json:"strategy"`
	Symbol   string   `json:"symbol"`
	Side     string   `json:"side"`
	Qty      string   `json:"qty"`
	Price    *string  `json:"price"`
	Cum      string   `json:"cum"`
	Avg      *string  `json:"avg"`
	Held     string   `json:"held"`
	Status   string   `json:"status"`
	Reason   *string  `json:"reason"`
	Doubts   []string `json:"doubts"`
	OpenedAt *string  `json:"opened_at"`
}

// accountLine is what a table says of an account that is not shown whole.
type accountLine struct {
	Account string  `json:"account"`
	Whole   bool    `json:"whole"`
	Why     *string `json:"why"`

	Differences []struct {
		Number uint64 `json:"number"`
		Text   string `json:"text"`
	} `json:"differences"`
}

func (c *cli) orders(ctx context.Context, f clientFlags, q url.Values) error {
	status, body, err := c.ask(ctx, f, withQuery("/api/v1/orders", q))
	if err != nil {
		return err
	}
	var a struct {
		Schema   string        `json:"schema"`
		Node     string        `json:"node"`
		At       string        `json:"at"`
		Unknown  int           `json:"unknown"`
		Next     *string       `json:"next"`
		Accounts []accountLine `json:"accounts"`
		Orders   []orderLine   `json:"orders"`
	}
	if err := json.Unmarshal(body, &a); err != nil || a.Schema != ordersSchema || c.output == "json" {
		return c.show(status, body, ordersSchema)
	}
	w := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "node\t%s\nat\t%s\nunknown\t%d\nnext\t%s\n", a.Node, a.At, a.Unknown, dash(a.Next))
	notWhole(w, a.Accounts)
	_, _ = fmt.Fprint(w, "\nID\tOPENED\tACCOUNT\tSTRATEGY\tSYMBOL\tSIDE\tQTY\tPRICE\tCUM\tAVG\tHELD\tSTATUS\tREASON\tDOUBTS\n")
	for _, o := range a.Orders {
		doubts := "-"
		if len(o.Doubts) > 0 {
			doubts = strings.Join(o.Doubts, " ")
		}
		_, _ = fmt.Fprintln(w, strings.Join([]string{
			o.ID, dash(o.OpenedAt), o.Account, dash(o.Strategy), o.Symbol, o.Side, o.Qty, dash(o.Price), o.Cum, dash(o.Avg), o.Held, o.Status,
			dash(o.Reason), doubts,
		}, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return endOf(status)
}

func dash(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func notWhole(w *tabwriter.Writer, accounts []accountLine) {
	for _, v := range accounts {
		if !v.Whole {
			_, _ = fmt.Fprintf(w, "not whole\t%s: %s\n", v.Account, dash(v.Why))
		}
		for _, d := range v.Differences {
			_, _ = fmt.Fprintf(w, "difference\t%s: %d, %s\n", v.Account, d.Number, d.Text)
		}
	}
}

// order shows one order: its plain figures first, then requests, history and executions as tables.
func (c *cli) order(ctx context.Context, f clientFlags, path string) error {
	status, body, err := c.ask(ctx, f, path)
	if err != nil {
		return err
	}
	var a struct {
		Schema   string            `json:"schema"`
		Accounts []accountLine     `json:"accounts"`
		Orders   []json.RawMessage `json:"orders"`
	}
	if err := json.Unmarshal(body, &a); err != nil || a.Schema != ordersSchema || len(a.Orders) != 1 || c.output == "json" {
		return c.show(status, body, ordersSchema)
	}
	w := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	notWhole(w, a.Accounts)
	if err := w.Flush(); err != nil {
		return err
	}
	if err := answer(c.stdout, c.output, a.Orders[0]); err != nil {
		return err
	}
	return endOf(status)
}

// ask is one question to the node.
func (c *cli) ask(ctx context.Context, f clientFlags, path string) (int, []byte, error) {
	client, err := f.dial()
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	status, body, err := client.Get(ctx, path)
	return status, body, endWith(ExitUnreachable, err)
}

// endOf ends a command that has drawn its table with the code that the status stands for.
func endOf(status int) error {
	switch status {
	case http.StatusOK:
		return nil
	case http.StatusMultiStatus:
		return answered(ExitPartial, "not all of it is known")
	}
	return endWith(ExitUnreachable, fmt.Errorf("the answer's status is %d, which says nothing", status))
}

func (c *cli) positionsCommand() *cobra.Command {
	var f clientFlags
	var account, symbol, strategy string
	cmd := &cobra.Command{
		Use:     "positions",
		Short:   "What strategies hold and have gained, per account; exit 7 when a figure is not known",
		Example: "  failshut positions --addr unix:./data/n1/admin.sock\n  failshut positions --strategy cross1",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := wordsOf(map[string]string{"account": account, "symbol": symbol, "strategy": strategy})
			return c.get(cmd.Context(), f, withQuery("/api/v1/positions", q), "failshut.positions/1", nil)
		},
	}
	f.on(cmd)
	cmd.Flags().StringVar(&account, "account", "", "of this account alone")
	cmd.Flags().StringVar(&symbol, "symbol", "", "in this instrument alone")
	cmd.Flags().StringVar(&strategy, "strategy", "", "of this strategy or trader alone")
	return cmd
}
