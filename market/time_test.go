package market_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
)

func FuzzStampsGoBothWays(f *testing.F) {
	for _, v := range edges {
		f.Add(v)
	}
	f.Fuzz(stamps)
}

func TestStampsGoBothWays(t *testing.T) {
	r := source(t)
	for range draws {
		stamps(t, anyInt(r))
	}
}

func stamps(t *testing.T, ns int64) {
	stamp := market.Timestamp(ns)
	if got := market.StampOf(stamp.Time()); got != stamp {
		t.Fatalf("StampOf(%d as a time) = %d, want the same", ns, got)
	}
	doc, err := json.Marshal(stamp)
	if err != nil {
		t.Fatal(err)
	}
	var back market.Timestamp
	if err := json.Unmarshal(doc, &back); err != nil || back != stamp {
		t.Fatalf("json.Unmarshal(%s) = %d, %v, want %d", doc, back, err, ns)
	}
	if ns == 0 {
		return
	}
	if want := time.Unix(0, ns); !stamp.Time().Equal(want) || stamp.Time().Location() != time.UTC {
		t.Fatalf("Time() of %d = %v, want %v in UTC", ns, stamp.Time(), want)
	}
}

func FuzzTimesAreReadOrRefused(f *testing.F) {
	for _, s := range []string{
		"", "Z", "2026-01-02T15:04:05Z", "2026-01-02T5:04:05Z", "2026-01-02T5:04:05.1Z", "2026-01-02T15:04:05,5Z",
		"2026-01-02T15:04:05.123456789123+23:59", "1677-09-21T00:12:43.145224191Z", "9999-12-31T23:59:59Z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		stamp, err := market.ParseTimestamp(s)
		if err != nil {
			if stamp != 0 {
				t.Fatalf("ParseTimestamp(%q) = %d, %v, want 0 beside an error", s, stamp, err)
			}
			return
		}
		if back, err := market.ParseTimestamp(stamp.String()); err != nil || back != stamp {
			t.Fatalf("%q read as %v, and that as %v, %v, want the same", s, stamp, back, err)
		}
	})
}

func TestTimesAreReadExactlyOrRefused(t *testing.T) {
	second := market.StampOf(time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC))
	tests := map[string]struct {
		in   string
		want market.Timestamp
		err  error
	}{
		"unset":                 {"", 0, nil},
		"a whole second":        {"2026-01-02T15:04:05Z", second, nil},
		"nine decimals":         {"2026-01-02T15:04:05.123456789Z", second + 123456789, nil},
		"three decimals":        {"2026-01-02T15:04:05.120Z", second + 120000000, nil},
		"another offset":        {"2026-01-02T16:34:05+01:30", second, nil},
		"a tenth decimal of 0":  {"2026-01-02T15:04:05.1234567890Z", second + 123456789, nil},
		"a tenth decimal":       {"2026-01-02T15:04:05.1234567891Z", 0, market.ErrPrecision},
		"the last":              {"2262-04-11T23:47:16.854775807Z", math.MaxInt64, nil},
		"one past the last":     {"2262-04-11T23:47:16.854775808Z", 0, market.ErrOverflow},
		"the first":             {"1677-09-21T00:12:43.145224192Z", math.MinInt64, nil},
		"one before the first":  {"1677-09-21T00:12:43.145224191Z", 0, market.ErrOverflow},
		"the zero time":         {"0001-01-01T00:00:00Z", 0, market.ErrOverflow},
		"the start of 1970":     {"1970-01-01T00:00:00Z", 0, nil},
		"no offset":             {"2026-01-02T15:04:05", 0, market.ErrSyntax},
		"a comma for the point": {"2026-01-02T15:04:05,5Z", 0, market.ErrSyntax},
		"an hour of one digit":  {"2026-01-02T5:04:05Z", 0, market.ErrSyntax},
		"a day too many":        {"2026-02-30T15:04:05Z", 0, market.ErrSyntax},
		"a number":              {"1767366245", 0, market.ErrSyntax},
		"a blank":               {" ", 0, market.ErrSyntax},
	}
	for name, tt := range tests {
		got, err := market.ParseTimestamp(tt.in)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: ParseTimestamp(%q) = %d, %v, want %d, %v", name, tt.in, got, err, tt.want, tt.err)
		}
	}
	kept := second
	if err := kept.UnmarshalText([]byte("x")); err == nil || kept != second {
		t.Errorf("a refused text gave %v and changed the stamp to %v", err, kept)
	}
}

func TestStampsSortAsTheirTextDoes(t *testing.T) {
	a, b := market.Timestamp(1_700_000_000_000_000_000), market.Timestamp(1_700_000_000_100_000_000)
	if a.String() != "2023-11-14T22:13:20.000000000Z" || a.String() >= b.String() {
		t.Errorf("%s and %s, want nine decimals and the first below the second", a, b)
	}
}

func TestTimesOutOfRangeAreTheNearestStamp(t *testing.T) {
	tests := map[string]struct {
		in   time.Time
		want market.Timestamp
	}{
		"unset":           {time.Time{}, 0},
		"too early":       {time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC), math.MinInt64},
		"too late":        {time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC), math.MaxInt64},
		"in another zone": {time.Date(1970, 1, 1, 1, 0, 0, 1, time.FixedZone("", 3600)), 1},
	}
	for name, tt := range tests {
		if got := market.StampOf(tt.in); got != tt.want {
			t.Errorf("%s: StampOf() = %d, want %d", name, got, tt.want)
		}
	}
	if !market.Timestamp(0).Time().IsZero() || market.Timestamp(0).String() != "" {
		t.Error("an unset stamp must be the zero time and no text")
	}
}
