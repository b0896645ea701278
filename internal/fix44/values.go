package fix44

import "github.com/failshut/failshut/market"

// Table is what FIX writes for values, in both directions.
type Table[V comparable] struct {
	word  map[V]string
	value map[string]V
}

func table[V comparable](words map[V]string) Table[V] {
	t := Table[V]{word: words, value: make(map[string]V, len(words))}
	for v, w := range words {
		t.value[w] = v
	}
	return t
}

// Word returns what FIX writes for v; ok is false where it has no word.
func (t Table[V]) Word(v V) (w string, ok bool) { w, ok = t.word[v]; return w, ok }

// Value returns what a word stands for; ok is false for a word that is none.
func (t Table[V]) Value(w string) (v V, ok bool) { v, ok = t.value[w]; return v, ok }

// Values of orders (54, 40, 59).
var (
	Sides      = table(map[market.Side]string{market.Buy: "1", market.Sell: "2"})
	OrderTypes = table(map[market.OrderType]string{market.Market: "1", market.Limit: "2", market.Stop: "3"})
	TIFs       = table(map[market.TIF]string{market.Day: "0", market.GTC: "1", market.IOC: "3", market.FOK: "4"})
)

// ExecTypes (150) and OrdStatuses (39), by the tokens of the order scripts and of the ledger.
var (
	ExecTypes = table(map[string]string{
		"NEW": "0", "DFD": "3", "CXL": "4", "RPL": "5", "PC": "6", "STP": "7", "REJ": "8", "SUS": "9", "PN": "A", "CALC": "B", "EXP": "C",
		"RST": "D", "PR": "E", "T": "F", "TX": "G", "TC": "H", "STS": "I",
	})
	OrdStatuses = table(map[string]string{
		"NEW": "0", "PF": "1", "F": "2", "DFD": "3", "CXL": "4", "PC": "6", "STP": "7", "REJ": "8", "SUS": "9", "PN": "A", "CALC": "B",
		"EXP": "C", "PR": "E",
	})
)
