package recordings

// sums holds the SHA-256 of every recording.
var sums = map[string]string{
	"betfair_stream_1-180305278.bz2":         "719d215f6e23fd7d41b70e87a770be4cebf5e54809d9c0aaa4808f1d182d7728",
	"binance_spot_ethusdt_20240808.gz":       "179a67651ec90f8d299c033f85df29027315a30a738eae74a1388d560f80a737",
	"binance_spot_ethusdt_20240809.gz":       "7be2b6113ced0cdb125bfa7607aacb18acd1f3cea9a248d1f53c627c7eed6bb8",
	"binance_usdm_ethusdt_20240808.gz":       "6b76bc224bbb7fe402e7206066775e17e18dbc697247fbab8ebcc38289a3f772",
	"bybit_v5_xrpusdt_ob500_20241201.zip":    "5e53f958e58340da19e8fd00be203fed6032eb92155f0430f0deca3076aad314",
	"cryptofeed_BINANCE.http.0.0.gz":         "eab629820d0a8cb6d97e9802db838bede55fe5991584eef500a8559973f20bfd",
	"cryptofeed_BINANCE.ws.1.0.gz":           "e1773016098bf25192028e7d7853bdeb32dff7d2c110362c3d4726cc4d4014b0",
	"cryptofeed_BINANCE_FUTURES.http.0.0.gz": "9923ee6b9a5a107f9504e0adca8876894eb0920c0a2515cf7eee2958d99f0a41",
	"cryptofeed_BINANCE_FUTURES.ws.1.0.gz":   "f24483f89037034b3d1abcd6f0375966295da6e52697b9551fda18cc05f6276f",
	"cryptofeed_COINBASE.ws.28.0.gz":         "45f10f42785daacf8fb84afb028253be4db0e2c0bb7f9922d840835f6d5d1246",
	"cryptofeed_KRAKEN.ws.50.0.gz":           "e52b6bec40a385e2a3c1f464f15ecccf78c7591ec3035e4dd4f6ca84c78f89e6",
	"cryptofeed_OKX.ws.1.0.gz":               "97dd55bf2332e755925be5003904a47869bfbff1a1cc480440c5aab0ccf1388f",
	"iex_deep10_20170425_part1.pcap.gz":      "e198e6c7fd8b9dd76a81750672e31559bdf87233508ae21c1e2ddaabfa136350",
	"iex_tops16_20170710.pcapng.gz":          "5c5590bff60939d9bcc59a9ebd43bb53ee890f3cda606820bca95c4c4d1d1937",
	"omi_packets_open.tar.gz":                "1190fd4314f42fcee2cc52faf9f53fa0c4c43c2b437760473c82191c6a35e077",
	"truefx_usdjpy_ticks.csv.gz":             "80abe553a44601cf488bc561b57801ba025cbe8ad3bfe75eebaff19ab8997a51",
}
