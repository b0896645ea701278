package market_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
)

func TestNamesThatWouldBreakAScopeOrALogAreInvalid(t *testing.T) {
	tests := map[string]struct {
		valid bool
		want  bool
	}{
		"no symbol":                         {market.Symbol("").Valid(), false},
		"no venue":                          {market.Venue("").Valid(), false},
		"no account":                        {market.Account("").Valid(), false},
		"no ClOrdID":                        {market.ClOrdID("").Valid(), false},
		"a plain symbol":                    {market.Symbol("ACME").Valid(), true},
		"a pair with a slash":               {market.Symbol("BTC/USD").Valid(), true},
		"a warrant with a plus":             {market.Symbol("ACME+").Valid(), true},
		"a symbol of 32 characters":         {market.Symbol(strings.Repeat("A", 32)).Valid(), true},
		"a symbol of 33 characters":         {market.Symbol(strings.Repeat("A", 33)).Valid(), false},
		"a symbol with a blank":             {market.Symbol("AC ME").Valid(), false},
		"a symbol with a star":              {market.Symbol("ACME*").Valid(), false},
		"a symbol with an at":               {market.Symbol("ACME@").Valid(), false},
		"a symbol with a newline":           {market.Symbol("ACME\n").Valid(), false},
		"a symbol beyond ASCII":             {market.Symbol("ÄCME").Valid(), false},
		"a symbol with the last character":  {market.Symbol("~").Valid(), true},
		"a symbol with the first character": {market.Symbol("!").Valid(), true},
		"a symbol with a delete":            {market.Symbol("\x7f").Valid(), false},
		"a plain venue":                     {market.Venue("SIM").Valid(), true},
		"a venue with a slash":              {market.Venue("S/M").Valid(), false},
		"a venue with a plus":               {market.Venue("SIM+").Valid(), false},
		"a venue with a star":               {market.Venue("*").Valid(), false},
		"a venue with an at":                {market.Venue("SIM@X").Valid(), false},
		"a venue with a tab":                {market.Venue("S\tM").Valid(), false},
		"a venue of 65 characters":          {market.Venue(strings.Repeat("V", 65)).Valid(), false},
		"a plain account":                   {market.Account("PAPER").Valid(), true},
		"an account with a slash":           {market.Account("A/B").Valid(), false},
		"an account with a plus":            {market.Account("+").Valid(), false},
		"an account with a star":            {market.Account("A*").Valid(), false},
		"an account with an at":             {market.Account("a@b").Valid(), false},
		"a plain ClOrdID":                   {market.ClOrdID("10-1-42").Valid(), true},
		"a ClOrdID with the FIX delimiter":  {market.ClOrdID("10\x0142").Valid(), false},
	}
	for name, tt := range tests {
		if tt.valid != tt.want {
			t.Errorf("%s: Valid() = %v, want %v", name, tt.valid, tt.want)
		}
	}
}

func TestDecimalsAreReadExactlyOrRefused(t *testing.T) {
	tests := map[string]struct {
		in   string
		want market.Price
		err  error
	}{
		"zero":                             {"0", 0, nil},
		"zero with a sign":                 {"-0", 0, nil},
		"zero with decimals":               {"-0.000", 0, nil},
		"one":                              {"1", 1_000_000_000, nil},
		"the smallest step":                {"0.000000001", 1, nil},
		"below zero":                       {"-12.5", -12_500_000_000, nil},
		"leading zeros":                    {"00012.50", 12_500_000_000, nil},
		"many leading zeros":               {strings.Repeat("0", 100) + "1", 1_000_000_000, nil},
		"a tenth decimal of zero":          {"1.0000000000", 1_000_000_000, nil},
		"a hundred decimals of zero":       {"1." + strings.Repeat("0", 100), 1_000_000_000, nil},
		"the largest":                      {"9223372036.854775807", 1<<63 - 1, nil},
		"the smallest":                     {"-9223372036.854775808", -1 << 63, nil},
		"one past the largest":             {"9223372036.854775808", 0, market.ErrOverflow},
		"one past the smallest":            {"-9223372036.854775809", 0, market.ErrOverflow},
		"the whole part alone too large":   {"9223372037", 0, market.ErrOverflow},
		"beyond 128 bits":                  {strings.Repeat("9", 60), 0, market.ErrOverflow},
		"beyond 128 bits, then a bad byte": {strings.Repeat("9", 60) + "x", 0, market.ErrSyntax},
		"wraps 2^64 to a small number":     {"18446744073.709551617", 0, market.ErrOverflow},
		"a tenth decimal":                  {"1.0000000001", 0, market.ErrPrecision},
		"a late decimal":                   {"1.00000000000000000000000001", 0, market.ErrPrecision},
		"too fine and too large":           {strings.Repeat("9", 60) + ".0000000001", 0, market.ErrPrecision},
		"nothing":                          {"", 0, market.ErrSyntax},
		"a sign alone":                     {"-", 0, market.ErrSyntax},
		"a point alone":                    {".", 0, market.ErrSyntax},
		"no whole part":                    {".5", 0, market.ErrSyntax},
		"no whole part, below zero":        {"-.5", 0, market.ErrSyntax},
		"no decimals after the point":      {"1.", 0, market.ErrSyntax},
		"two points":                       {"1.2.3", 0, market.ErrSyntax},
		"two points in a row":              {"1..3", 0, market.ErrSyntax},
		"a plus":                           {"+1", 0, market.ErrSyntax},
		"two signs":                        {"--1", 0, market.ErrSyntax},
		"a sign inside":                    {"1-1", 0, market.ErrSyntax},
		"an exponent":                      {"1e3", 0, market.ErrSyntax},
		"hexadecimal":                      {"0x10", 0, market.ErrSyntax},
		"not a number":                     {"NaN", 0, market.ErrSyntax},
		"infinity":                         {"Inf", 0, market.ErrSyntax},
		"a blank before":                   {" 1", 0, market.ErrSyntax},
		"a blank after":                    {"1 ", 0, market.ErrSyntax},
		"a bad byte past the ninth":        {"1.0000000000x", 0, market.ErrSyntax},
		"a comma":                          {"1,5", 0, market.ErrSyntax},
		"a separator":                      {"1_000", 0, market.ErrSyntax},
		"digits of another script":         {"١", 0, market.ErrSyntax},
	}
	for name, tt := range tests {
		got, err := market.ParsePrice(tt.in)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: ParsePrice(%q) = %d, %v, want %d, %v", name, tt.in, int64(got), err, int64(tt.want), tt.err)
		}
	}
}
