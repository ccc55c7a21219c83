package normalise

// lengthUnit reads a unit of length that may have a power.
func lengthUnit(s string) string {
	switch s {
	case "m", "M":
		return "mét"
	case "km", "Km", "KM":
		return "ki lô mét"
	case "cm", "Cm":
		return "xăng ti mét"
	case "mm":
		return "mi li mét"
	case "dm":
		return "đề xi mét"
	case "Nm":
		return "mét"
	}
	return ""
}

// unitWord reads a unit, written as usual, after a number.
func unitWord(s string) string {
	if w := lengthUnit(s); w != "" {
		return w
	}
	switch s {
	case "kg", "Kg", "KG":
		return "ki lô gam"
	case "g", "gr":
		return "gam"
	case "mg":
		return "mi li gam"
	case "µg", "μg", "mcg":
		return "mi crô gam"
	case "l", "L":
		return "lít"
	case "ml", "mL":
		return "mi li lít"
	case "dl":
		return "đề xi lít"
	case "cc":
		return "xê xê"
	case "ha", "Ha", "HA":
		return "héc ta"
	case "h":
		return "giờ"
	case "s":
		return "giây"
	case "ms":
		return "mi li giây"
	case "p", "ph":
		return "phút"
	case "Ω":
		return "ôm"
	case "kΩ":
		return "ki lô ôm"
	case "oC":
		return "độ xê"
	case "CV", "HP":
		return "mã lực"
	case "mAh":
		return "mi li am pe giờ"
	case "Ah":
		return "am pe giờ"
	case "mA":
		return "mi li am pe"
	case "µm", "μm":
		return "mi crô mét"
	case "nm":
		return "na nô mét"
	case "kPa":
		return "ki lô pát can"
	case "MPa":
		return "mê ga pát can"
	case "kN":
		return "ki lô niu tơn"
	case "mSv":
		return "mi li xi vớt"
	case "ppb":
		return "phần tỷ"
	case "kbps", "Kbps":
		return "ki lô bít trên giây"
	case "GWh":
		return "gi ga oát giờ"
	case "W", "w":
		return "oát"
	case "kW", "KW", "Kw", "kw":
		return "ki lô oát"
	case "kWh", "KWh", "kwh", "KWH", "Kwh":
		return "ki lô oát giờ"
	case "MW":
		return "mê ga oát"
	case "MWh":
		return "mê ga oát giờ"
	case "GW":
		return "gi ga oát"
	case "kWp", "KWp":
		return "ki lô oát pích"
	case "MWp":
		return "mê ga oát pích"
	case "V":
		return "vôn"
	case "kV", "KV", "kv":
		return "ki lô vôn"
	case "kVA", "KVA":
		return "ki lô vôn am pe"
	case "MVA":
		return "mê ga vôn am pe"
	case "Hz":
		return "héc"
	case "kHz", "KHz":
		return "ki lô héc"
	case "MHz", "Mhz":
		return "mê ga héc"
	case "GHz", "Ghz":
		return "gi ga héc"
	case "dB", "db":
		return "đề xi ben"
	case "dBA":
		return "đề xi ben a"
	case "KB", "kB":
		return "ki lô bai"
	case "MB":
		return "mê ga bai"
	case "GB":
		return "gi ga bai"
	case "TB":
		return "tê ra bai"
	case "Mbps", "Mb":
		return "mê ga bít trên giây"
	case "Gbps":
		return "gi ga bít trên giây"
	case "ppm":
		return "phần triệu"
	case "mmHg":
		return "mi li mét thuỷ ngân"
	case "hPa":
		return "héc tô pát can"
	case "kcal", "Kcal":
		return "ki lô ca lo"
	case "cal":
		return "ca lo"
	case "mmol":
		return "mi li mon"
	case "UI", "IU":
		return "đơn vị quốc tế"
	case "inch":
		return "in"
	case "rpm":
		return "vòng trên phút"
	case "k", "K":
		return "nghìn"
	}
	return ""
}

// currencyWord reads a currency after a number.
func currencyWord(s string) string {
	switch s {
	case "đ", "Đ", "VNĐ", "vnđ", "VND", "vnd", "Vnđ", "đồng":
		return "đồng"
	case "trđ":
		return "triệu đồng"
	case "tr":
		return "triệu"
	case "USD", "usd":
		return "đô la mỹ"
	case "EUR", "Euro", "euro", "EURO":
		return "ơ rô"
	}
	return ""
}
