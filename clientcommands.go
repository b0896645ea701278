package failshut

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/risk"
)

// clientFlags say at which node's door a command knocks.
type clientFlags struct {
	addr      string
	tokenFile string
}

// longestToken is what is read of a token file, in bytes.
const longestToken = 4096

const defaultAddr = "unix:./data/n1/admin.sock"

func (f *clientFlags) on(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.addr, "addr", "", "unix:PATH, http://HOST:PORT or https://HOST:PORT (else FAILSHUT_ADDR, else "+defaultAddr+")")
	cmd.Flags().StringVar(&f.tokenFile, "token-file", "", "file that holds the token (else FAILSHUT_TOKEN)")
}

// door is the address that was given, else FAILSHUT_ADDR; nothing when there is neither.
func (f *clientFlags) door() string { return cmp.Or(f.addr, os.Getenv("FAILSHUT_ADDR")) }

// unanswered adds where it was that a command knocked, when nobody told it where.
func (f *clientFlags) unanswered(err error) error {
	if f.door() != "" {
		return err
	}
	return fmt.Errorf("%w (%s is the default; another node is named by --addr or FAILSHUT_ADDR)", err, defaultAddr)
}

func (f *clientFlags) dial() (*control.Client, error) {
	addr := cmp.Or(f.door(), defaultAddr)
	token := os.Getenv("FAILSHUT_TOKEN")
	if f.tokenFile != "" {
		b, err := readSmall(f.tokenFile, longestToken)
		if err != nil {
			return nil, endWith(ExitFailure, fmt.Errorf("reading the token: %w", err))
		}
		token = strings.TrimSpace(string(b))
	}
	client, err := control.Dial(addr, token)
	return client, endWith(ExitUsage, err)
}

// mutationFlags are those of every command that changes a node.
type mutationFlags struct {
	clientFlags
	reason, by, expect string
}

func (f *mutationFlags) on(cmd *cobra.Command) {
	f.clientFlags.on(cmd)
	cmd.Flags().StringVar(&f.reason, "reason", "", "why (required)")
	cmd.Flags().StringVar(&f.by, "by", "", "who, for the record; proves nothing")
}

// show prints an answer of the API and ends with the code that its status and body stand for.
func (c *cli) show(status int, body []byte, schema string) error {
	var head struct {
		Schema  string `json:"schema"`
		Code    string `json:"code"`
		Message string `json:"message"`
		Exit    int    `json:"exit"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return endWith(ExitUnreachable, fmt.Errorf("the answer is no JSON object: %w", err))
	}
	if head.Schema == schemaOfErrors {
		return refusedBy(head.Exit, head.Code, head.Message)
	}
	if head.Schema != schema {
		return endWith(ExitUnreachable, fmt.Errorf("the answer's schema is %q, want %q", head.Schema, schema))
	}
	if err := answer(c.stdout, c.output, json.RawMessage(body)); err != nil {
		return err
	}
	switch status {
	case http.StatusOK, http.StatusAccepted:
		return nil
	case http.StatusMultiStatus:
		return answered(ExitPartial, "not all of it is done")
	case http.StatusServiceUnavailable:
		return answered(ExitPrecondition, "the gate is not open")
	}
	return endWith(ExitUnreachable, fmt.Errorf("the answer's status is %d, which says nothing", status))
}

// refusedBy is the node's no. One that names no code this binary knows, or success, is no answer: it is never green (P2).
func refusedBy(exit int, word, message string) error {
	if _, known := codeNames[exit]; !known {
		return endWith(ExitUnreachable, fmt.Errorf("the answer is an error with exit %d, which says nothing: %s", exit, message))
	}
	return &ending{code: exit, word: word, err: errors.New(message)}
}

func (c *cli) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.timeout)
}

// get asks and shows. Says, which may be nil, has the last word on a body that came with a good status.
func (c *cli) get(ctx context.Context, f clientFlags, path, schema string, says func(body []byte) error) error {
	client, err := f.dial()
	if err != nil {
		return err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	status, body, err := client.Get(ctx, path)
	if err != nil {
		return endWith(ExitUnreachable, f.unanswered(err))
	}
	if err := c.show(status, body, schema); err != nil || says == nil {
		return err
	}
	return says(body)
}

// gateIsOpen wants the body to say what the status says. A mode that is not known here is shut (P2).
func gateIsOpen(body []byte) error {
	var gate struct {
		Open bool   `json:"open"`
		Mode string `json:"mode"`
	}
	if err := json.Unmarshal(body, &gate); err != nil || !gate.Open || gate.Mode != risk.Open.String() {
		return answered(ExitPrecondition, "the gate is not open")
	}
	return nil
}

func (c *cli) post(ctx context.Context, f mutationFlags, path, schema string, request any) error {
	client, err := f.dial()
	if err != nil {
		return err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	key := control.NewKey()
	status, body, err := client.Post(ctx, path, key, request)
	if err != nil {
		return endWith(ExitUnreachable, fmt.Errorf(
			"%w; what became of it is unknown: to repeat it as the same change, send it to the API with the header Idempotency-Key: %s", f.unanswered(err), key,
		))
	}
	return c.show(status, body, schema)
}

func (c *cli) statusCommand() *cobra.Command {
	var f clientFlags
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "What a node is, owns and is held up by",
		Example: "  failshut status --addr unix:./data/n1/admin.sock",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.get(cmd.Context(), f, "/api/v1/status", "failshut.status/1", nil)
		},
	}
	f.on(cmd)
	return cmd
}

func (c *cli) gateCommand() *cobra.Command {
	var f clientFlags
	var scope string
	cmd := &cobra.Command{
		Use:     "gate",
		Short:   "Whether orders may leave, and why not (exit 0 open, 6 otherwise)",
		Example: "  failshut gate --addr unix:./data/n1/admin.sock\n  failshut gate --scope 'A1/*/*'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := "/gatez"
			if cmd.Flags().Changed("scope") {
				path += "?scope=" + url.QueryEscape(scope)
			}
			return c.get(cmd.Context(), f, path, "failshut.gate/1", gateIsOpen)
		},
	}
	f.on(cmd)
	cmd.Flags().StringVar(&scope, "scope", "", "account/strategy/instrument; the whole node without it")
	return cmd
}

func (c *cli) tripCommand() *cobra.Command {
	var f mutationFlags
	var scope, mode string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:     "trip --scope S --reason TEXT",
		Short:   "Shut a scope at once and latch it; needs no leader and no journal",
		Example: "  failshut trip --scope 'A1/*/*' --reason 'fat finger'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.reason == "" {
				return usagef("--reason is missing, want why, for the record")
			}
			if m, err := risk.ParseMode(mode); err != nil || m == risk.Open {
				return usagef("--mode is %q, want CLOSED, CANCEL_ONLY or REDUCE_ONLY", mode)
			}
			if _, err := risk.ParseScope(scope, false); err != nil {
				return usagef("--scope: %v", err)
			}
			c.timeout += wait // which only lengthens the answer
			return c.post(cmd.Context(), f, "/api/v1/trips", "failshut.trip/1", control.TripRequest{
				Scope: scope, Mode: mode, Reason: f.reason, By: f.by, WaitMS: wait.Milliseconds(),
			})
		},
	}
	f.on(cmd)
	cmd.Flags().StringVar(&scope, "scope", "*/*/*", "account/strategy/instrument")
	cmd.Flags().StringVar(&mode, "mode", "CLOSED", "CLOSED, CANCEL_ONLY or REDUCE_ONLY")
	spanVar(cmd.Flags(), &wait, "wait", 5*time.Second, 0, control.LongestWait, "how long to wait for confirmation; the latch waits for nothing")
	return cmd
}

func (c *cli) resetCommand() *cobra.Command {
	var f mutationFlags
	var scope string
	var trips []string
	cmd := &cobra.Command{
		Use:     "reset --scope S --reason TEXT",
		Short:   "Clear latches of a scope; opens nothing by itself",
		Example: "  failshut reset --scope 'A1/*/*' --reason 'checked with the desk'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.reason == "" {
				return endWith(ExitPrecondition, errors.New("--reason is missing: a reset is evidence"))
			}
			if scope == "" {
				return usagef("--scope is missing, want account/strategy/instrument of one account, such as A1/*/*")
			}
			if _, err := risk.ParseScope(scope, false); err != nil {
				return usagef("--scope: %v", err)
			}
			return c.post(cmd.Context(), f, "/api/v1/resets", "failshut.reset/1", control.ResetRequest{
				Scope: scope, Trips: trips, Reason: f.reason, By: f.by, Expect: f.expect,
			})
		},
	}
	f.on(cmd)
	cmd.Flags().StringVar(&scope, "scope", "", "account/strategy/instrument")
	cmd.Flags().StringVar(&f.expect, "expect", "", "only at this revision")
	cmd.Flags().StringArrayVar(&trips, "trip", nil, "the latch to clear (repeatable); all of the scope without it")
	return cmd
}
