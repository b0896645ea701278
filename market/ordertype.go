package market

// OrderType says what makes an order trade. The zero OrderType is invalid.
type OrderType uint8

// The order types.
const (
	Limit  OrderType = iota + 1 // at its price or better
	Market                      // at any price
	Stop                        // a market order once its stop price has traded
)

var orderTypeWords = []string{Limit: "limit", Market: "market", Stop: "stop"}

// ParseOrderType reads "limit", "market" or "stop", or returns ErrSyntax.
func ParseOrderType(s string) (OrderType, error) {
	return parseWord[OrderType]("order type", orderTypeWords, s)
}

// Valid reports whether t is one of the order types.
func (t OrderType) Valid() bool { return t >= Limit && t <= Stop }

// String returns "limit", "market" or "stop", and "order type(n)" for an invalid type.
func (t OrderType) String() string { return word("order type", orderTypeWords, t) }

// MarshalText returns "limit", "market" or "stop", or ErrInvalid.
func (t OrderType) MarshalText() ([]byte, error) { return marshalWord("order type", orderTypeWords, t) }

// UnmarshalText sets t to what ParseOrderType makes of b, and leaves it alone on an error.
func (t *OrderType) UnmarshalText(b []byte) error {
	return unmarshalWord("order type", orderTypeWords, t, b)
}

// TIF is an order's time in force: how long it may wait for a fill. The zero TIF is invalid.
type TIF uint8

// The times in force.
const (
	Day TIF = iota + 1 // until the session ends
	GTC                // good till cancelled
	IOC                // immediate or cancel: what does not fill at once is cancelled
	FOK                // fill or kill: all at once, or nothing
)

var tifWords = []string{Day: "day", GTC: "gtc", IOC: "ioc", FOK: "fok"}

// ParseTIF reads "day", "gtc", "ioc" or "fok", or returns ErrSyntax.
func ParseTIF(s string) (TIF, error) { return parseWord[TIF]("time in force", tifWords, s) }

// Valid reports whether t is one of the times in force.
func (t TIF) Valid() bool { return t >= Day && t <= FOK }

// String returns "day", "gtc", "ioc" or "fok", and "time in force(n)" for an invalid one.
func (t TIF) String() string { return word("time in force", tifWords, t) }

// MarshalText returns "day", "gtc", "ioc" or "fok", or ErrInvalid.
func (t TIF) MarshalText() ([]byte, error) { return marshalWord("time in force", tifWords, t) }

// UnmarshalText sets t to what ParseTIF makes of b, and leaves it alone on an error.
func (t *TIF) UnmarshalText(b []byte) error { return unmarshalWord("time in force", tifWords, t, b) }
