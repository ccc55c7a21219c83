package normalise

// landUse reads the codes of what land is used for, as they stand in the papers of a
// plot.
func landUse(s string) string {
	switch s {
	case "ONT":
		return "đất ở tại nông thôn"
	case "ODT":
		return "đất ở tại đô thị"
	case "CLN":
		return "đất trồng cây lâu năm"
	case "LUC":
		return "đất chuyên trồng lúa"
	case "LUK":
		return "đất trồng lúa còn lại"
	case "BHK", "HNK":
		return "đất trồng cây hằng năm khác"
	case "NTS":
		return "đất nuôi trồng thuỷ sản"
	case "RSX":
		return "đất rừng sản xuất"
	case "RPH":
		return "đất rừng phòng hộ"
	case "RDD":
		return "đất rừng đặc dụng"
	case "SKC":
		return "đất sản xuất phi nông nghiệp"
	case "TMD":
		return "đất thương mại dịch vụ"
	case "NTD":
		return "đất nghĩa trang"
	}
	return ""
}
