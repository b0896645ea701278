package failshut

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

const resolveSchema = "failshut.orders.resolve/1"

// resolveFlags are an operator's word: about an order, or about a difference.
type resolveFlags struct {
	mutationFlags
	as, account string
	difference  uint64
	accept      bool
}

func (c *cli) ordersResolveCommand() *cobra.Command {
	var f resolveFlags
	cmd := &cobra.Command{
		Use:   "resolve ID --as ENDING --reason TEXT",
		Short: "Sign for what became of an order that is UNKNOWN, or for a difference",
		Long: "Sign for what became of an order that is UNKNOWN, when the venue's answers do not say: it was rejected or never arrived, was cancelled,\n" +
			"works, or is over with so much of it filled. Or accept a difference, by its number in `failshut orders`. The word is in the journal\n" +
			"before it counts, and later evidence is believed over it. It opens nothing: the venue's next list of orders does.",
		Example: "  failshut orders resolve 1000001000000001 --as rejected --reason 'venue desk: never received'\n" +
			"  failshut orders resolve 1000001000000001 --as filled=40@7.05 --reason 'trade ticket 5512'\n" +
			"  failshut orders resolve --account A1 --difference 1 --accept --reason 'placed by telephone'",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.reason == "" {
				return endWith(ExitPrecondition, errors.New("--reason is missing: a word about an order is evidence"))
			}
			if f.accept || cmd.Flags().Changed("difference") {
				return c.accept(cmd.Context(), f, args)
			}
			if len(args) == 0 || args[0] == "" {
				return usagef("ID is missing, want an id of an order, or @ and the venue's")
			}
			request, err := f.request()
			if err != nil {
				return err
			}
			return c.post(cmd.Context(), f.mutationFlags, "/api/v1/orders/"+url.PathEscape(args[0])+"/resolve", resolveSchema, request)
		},
	}
	f.on(cmd)
	cmd.Flags().StringVar(&f.as, "as", "", "rejected, cancelled, working, or filled=QTY[@PRICE]: over, and so much of it executed")
	cmd.Flags().StringVar(&f.account, "account", "", "the account, where two have the id; of a difference always")
	cmd.Flags().Uint64Var(&f.difference, "difference", 0, "a difference, by its number in failshut orders")
	cmd.Flags().BoolVar(&f.accept, "accept", false, "sign for the difference")
	return cmd
}

// request reads --as.
func (f *resolveFlags) request() (control.ResolveRequest, error) {
	word, terms, filled := strings.Cut(f.as, "=")
	r := control.ResolveRequest{Account: f.account, As: word, Reason: f.reason, By: f.by}
	ending, err := orders.ParseEnding(word)
	if err != nil {
		return r, usagef("--as is %q, want rejected, cancelled, working or filled=QTY[@PRICE]", f.as)
	}
	if filled != (ending == orders.EndingFilled) {
		return r, usagef("--as is %q, want a quantity of filled, as filled=QTY[@PRICE], and of nothing else", f.as)
	}
	if !filled {
		return r, nil
	}
	var priced bool
	r.Qty, r.Price, priced = strings.Cut(terms, "@")
	if q, err := market.ParseQty(r.Qty); err != nil || q <= 0 {
		return r, usagef("--as is %q, want a quantity above 0 in filled=QTY[@PRICE]", f.as)
	}
	if p, err := market.ParsePrice(r.Price); priced && (err != nil || p <= 0) {
		return r, usagef("--as is %q, want a price above 0 in filled=QTY@PRICE", f.as)
	}
	return r, nil
}

// accept signs for a difference.
func (c *cli) accept(ctx context.Context, f resolveFlags, args []string) error {
	switch {
	case len(args) > 0:
		return usagef("ID is %q beside a difference, want one of both", args[0])
	case f.as != "":
		return usagef("--as is %q beside a difference, want --accept alone", f.as)
	case f.account == "" || f.difference == 0 || !f.accept:
		return usagef("--account is %q, --difference %d, --accept %v; want all three", f.account, f.difference, f.accept)
	}
	return c.post(ctx, f.mutationFlags, "/api/v1/differences/"+strconv.FormatUint(f.difference, 10), resolveSchema, control.DifferenceRequest{
		Account: f.account, Reason: f.reason, By: f.by,
	})
}
