package normalise

// doubtful returns the meanings of an abbreviation that has several, the likeliest
// first; none if it is not such a one.
func doubtful(s string) []string {
	switch s {
	case "TT":
		return []string{"thông tin", "thị trấn", "trung tâm", "thông tư", "thủ tướng"}
	case "NSX":
		return []string{"ngân sách xã", "ngày sản xuất"}
	case "CA":
		return []string{"công an", "ca"}
	case "ND":
		return []string{"nhân dân", "nông dân"}
	case "ĐT":
		return []string{"điện thoại", "đường tỉnh", "đào tạo", "đội tuyển"}
	case "ĐH":
		return []string{"đại học", "đại hội", "đường huyện"}
	case "ĐB":
		return []string{"đại biểu", "đồng bằng", "đặc biệt", "đường bộ"}
	case "NH":
		return []string{"ngân hàng", "năm học", "nhà hàng"}
	case "SP":
		return []string{"sản phẩm", "sư phạm"}
	case "PH":
		return []string{"phụ huynh", "phối hợp"}
	case "CN":
		return []string{"chủ nhật", "công nghiệp", "công nghệ", "cử nhân", "công nhân"}
	case "XD":
		return []string{"xây dựng", "xăng dầu"}
	case "KT":
		return []string{"kinh tế", "kỹ thuật", "kiểm tra"}
	case "KH":
		return []string{"kế hoạch", "khoa học"}
	case "TB":
		return []string{"thông báo", "thương binh", "trung bình"}
	case "TS":
		return []string{"tiến sĩ", "tổng số", "tài sản"}
	case "HĐ":
		return []string{"hợp đồng", "hội đồng", "hoạt động", "hoá đơn"}
	case "CP":
		return []string{"chính phủ", "cổ phần"}
	case "BT":
		return []string{"bí thư", "bê tông", "bồi thường"}
	case "PT":
		return []string{"phát thanh", "phát triển"}
	case "BC":
		return []string{"báo cáo", "bưu chính"}
	case "CV":
		return []string{"công văn", "chuyên viên"}
	case "BV":
		return []string{"bệnh viện", "bảo vệ"}
	case "XH":
		return []string{"xã hội", "xuất hiện"}
	case "TC":
		return []string{"tài chính", "tổ chức", "trung cấp"}
	case "GD":
		return []string{"giáo dục", "gia đình"}
	case "VP":
		return []string{"văn phòng", "vi phạm"}
	case "CB":
		return []string{"cán bộ", "chế biến", "chi bộ"}
	case "KV":
		return []string{"khu vực", "ki lô vôn"}
	case "PN":
		return []string{"phụ nữ", "phòng ngừa"}
	case "BQ":
		return []string{"bình quân", "bảo quản"}
	case "NN":
		return []string{"nông nghiệp", "nhà nước"}
	case "TN":
		return []string{"thanh niên", "tự nhiên", "tai nạn", "tài nguyên"}
	case "SX":
		return []string{"sản xuất", "xổ số"}
	case "TL":
		return []string{"tỉnh lộ", "thuỷ lợi", "trọng lượng"}
	case "DN":
		return []string{"doanh nghiệp", "đà nẵng"}
	case "TH":
		return []string{"tiểu học", "truyền hình", "thực hiện"}
	case "VH":
		return []string{"văn hoá", "vận hành"}
	case "CĐ":
		return []string{"cao đẳng", "công đoàn", "chỉ đạo"}
	case "CT":
		return []string{"chủ tịch", "chương trình", "công ty", "chỉ thị", "công trình"}
	case "NV":
		return []string{"nhân viên", "nguyện vọng", "nhiệm vụ"}
	case "KK":
		return []string{"khuyến khích", "kê khai"}
	case "MN":
		return []string{"mầm non", "miền núi", "miền nam"}
	case "GS":
		return []string{"giáo sư", "giám sát", "gia súc"}
	case "HK":
		return []string{"học kỳ", "hộ khẩu"}
	case "LH":
		return []string{"liên hệ", "liên hiệp", "loại hình"}
	case "DL":
		return []string{"dương lịch", "du lịch", "dân lập"}
	case "CT.":
		return []string{"chủ tịch", "công ty"}
	case "GP":
		return []string{"giấy phép", "giải phóng"}
	case "HD":
		return []string{"hướng dẫn", "hợp đồng"}
	case "KP":
		return []string{"khu phố", "kinh phí"}
	case "TK":
		return []string{"tài khoản", "thống kê"}
	case "XN":
		return []string{"xét nghiệm", "xí nghiệp", "xác nhận"}
	case "VS":
		return []string{"vệ sinh", "vi sinh"}
	case "MT":
		return []string{"môi trường", "mặt trận"}
	case "QH":
		return []string{"quốc hội", "quy hoạch"}
	case "BĐ":
		return []string{"bưu điện", "báo động", "bản đồ"}
	case "KS":
		return []string{"kỹ sư", "khách sạn", "khảo sát"}
	case "AI":
		return []string{"ây ai", "ai"}
	case "CK":
		return []string{"chuyển khoản", "cùng kỳ"}
	case "VT":
		return []string{"vận tải", "văn thư", "viễn thông"}
	case "HT":
		return []string{"hỗ trợ", "hè thu", "hiệu trưởng", "hạ tầng"}
	case "ĐC":
		return []string{"đồng chí", "địa chỉ"}
	case "LĐ":
		return []string{"lao động", "lãnh đạo"}
	case "SN":
		return []string{"sinh năm", "số nhà"}
	case "ĐK":
		return []string{"đăng ký", "đa khoa"}
	case "LS":
		return []string{"liệt sĩ", "luật sư", "lịch sử"}
	}
	return nil
}
