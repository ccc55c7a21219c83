package normalise

// activity reads abbreviations of people, papers, health, trade and places.
func activity(s string) string {
	switch s {
	case "QPPL":
		return "quy phạm pháp luật"
	case "BLGĐ":
		return "bạo lực gia đình"
	case "PCBLGĐ":
		return "phòng chống bạo lực gia đình"
	case "BĐG":
		return "bình đẳng giới"
	case "TNXH":
		return "tệ nạn xã hội"
	case "PCTN":
		return "phòng chống tham nhũng"
	case "PCMT":
		return "phòng chống ma tuý"
	case "TTYT":
		return "trung tâm y tế"
	case "TYT":
		return "trạm y tế"
	case "CDC":
		return "trung tâm kiểm soát bệnh tật"
	case "BVĐK":
		return "bệnh viện đa khoa"
	case "BVĐKKV":
		return "bệnh viện đa khoa khu vực"
	case "TCMR":
		return "tiêm chủng mở rộng"
	case "SXH":
		return "sốt xuất huyết"
	case "SKĐK":
		return "sức khoẻ định kỳ"
	case "RON":
		return "ron"
	case "ĐBTQ":
		return "đại biểu toàn quốc"
	case "HGĐ":
		return "hộ gia đình"
	case "CSSK":
		return "chăm sóc sức khoẻ"
	case "CSSKSS":
		return "chăm sóc sức khoẻ sinh sản"
	case "SKSS":
		return "sức khoẻ sinh sản"
	case "SDD":
		return "suy dinh dưỡng"
	case "KCB":
		return "khám chữa bệnh"
	case "YTDP":
		return "y tế dự phòng"
	case "DTLCP":
		return "dịch tả lợn châu phi"
	case "LMLM":
		return "lở mồm long móng"
	case "GSGC":
		return "gia súc gia cầm"
	case "TĂCN":
		return "thức ăn chăn nuôi"
	case "TBLS", "TB-LS":
		return "thương binh liệt sĩ"
	case "BTXH":
		return "bảo trợ xã hội"
	case "NCC":
		return "người có công"
	case "BMVNAH":
		return "bà mẹ việt nam anh hùng"
	case "VNAH":
		return "việt nam anh hùng"
	case "LLVT":
		return "lực lượng vũ trang"
	case "AHLLVT":
		return "anh hùng lực lượng vũ trang"
	case "LLVTND":
		return "lực lượng vũ trang nhân dân"
	case "KTTV":
		return "khí tượng thuỷ văn"
	case "ATNĐ":
		return "áp thấp nhiệt đới"
	case "KTTT":
		return "kinh tế tập thể"
	case "TCVN":
		return "tiêu chuẩn việt nam"
	case "QCVN":
		return "quy chuẩn việt nam"
	case "TTXVN":
		return "thông tấn xã việt nam"
	case "VTV":
		return "vê tê vê"
	case "VOV":
		return "vê ô vê"
	case "EVN":
		return "e vê en"
	case "VNPT":
		return "vê en pê tê"
	case "ĐBSCL":
		return "đồng bằng sông cửu long"
	case "ĐBSH":
		return "đồng bằng sông hồng"
	case "TPHCM", "TP.HCM", "Tp.HCM", "TP-HCM":
		return "thành phố hồ chí minh"
	case "HCM":
		return "hồ chí minh"
	case "TP.HN":
		return "thành phố hà nội"
	case "BRVT":
		return "bà rịa vũng tàu"
	case "VN":
		return "việt nam"
	case "VNCH":
		return "việt nam cộng hoà"
	case "ĐCSVN":
		return "đảng cộng sản việt nam"
	case "TƯ", "TW":
		return "trung ương"
	case "BCHTW":
		return "ban chấp hành trung ương"
	case "BCT":
		return "bộ chính trị"
	case "CTHĐ":
		return "chương trình hành động"
	case "NQTW":
		return "nghị quyết trung ương"
	case "QLTT":
		return "quản lý thị trường"
	case "BĐBP":
		return "bộ đội biên phòng"
	case "TP":
		return "thành phố"
	case "QL":
		return "quốc lộ"
	case "NVH":
		return "nhà văn hoá"
	case "TTVH":
		return "trung tâm văn hoá"
	case "TTVHTT":
		return "trung tâm văn hoá thông tin"
	case "CLB":
		return "câu lạc bộ"
	case "ĐVTN":
		return "đoàn viên thanh niên"
	case "SV":
		return "sinh viên"
	case "HS":
		return "học sinh"
	case "GV":
		return "giáo viên"
	case "VĐV":
		return "vận động viên"
	case "HLV":
		return "huấn luyện viên"
	case "HCV":
		return "huy chương vàng"
	case "HCB":
		return "huy chương bạc"
	case "HCĐ":
		return "huy chương đồng"
	case "PGS":
		return "phó giáo sư"
	case "PGS.TS":
		return "phó giáo sư tiến sĩ"
	case "GS.TS":
		return "giáo sư tiến sĩ"
	case "GS.":
		return "giáo sư"
	case "ThS", "Ths", "ThS.":
		return "thạc sĩ"
	case "TS.":
		return "tiến sĩ"
	case "BS", "BS.":
		return "bác sĩ"
	case "BSCKI", "BS.CKI":
		return "bác sĩ chuyên khoa một"
	case "BSCKII", "BS.CKII":
		return "bác sĩ chuyên khoa hai"
	case "CKI":
		return "chuyên khoa một"
	case "CKII":
		return "chuyên khoa hai"
	case "KS.":
		return "kỹ sư"
	case "LS.":
		return "luật sư"
	case "NSND":
		return "nghệ sĩ nhân dân"
	case "NSƯT":
		return "nghệ sĩ ưu tú"
	case "NGND":
		return "nhà giáo nhân dân"
	case "NGƯT":
		return "nhà giáo ưu tú"
	case "Đ/c", "đ/c", "Đ/C", "đ.c":
		return "đồng chí"
	case "v/v", "V/v", "V/V":
		return "về việc"
	case "VD", "vd":
		return "ví dụ"
	case "v.v", "v.v.", "vv":
		return "vân vân"
	case "SĐT":
		return "số điện thoại"
	case "ĐTDĐ":
		return "điện thoại di động"
	case "ĐTCĐ":
		return "điện thoại cố định"
	case "ĐKKD":
		return "đăng ký kinh doanh"
	case "HKTT":
		return "hộ khẩu thường trú"
	case "STT":
		return "số thứ tự"
	case "STK":
		return "số tài khoản"
	case "MST":
		return "mã số thuế"
	case "SL":
		return "số lượng"
	case "QĐ":
		return "quyết định"
	case "NĐ":
		return "nghị định"
	case "NQ":
		return "nghị quyết"
	case "TTLT":
		return "thông tư liên tịch"
	case "VBHN":
		return "văn bản hợp nhất"
	case "NĐ-CP":
		return "nghị định chính phủ"
	case "HĐBT":
		return "hội đồng bộ trưởng"
	case "HĐBC":
		return "hội đồng bầu cử"
	case "ĐVHC":
		return "đơn vị hành chính"
	case "CQĐP":
		return "chính quyền địa phương"
	case "ANQP":
		return "an ninh quốc phòng"
	case "TTDL":
		return "thể thao du lịch"
	case "TTTM":
		return "trung tâm thương mại"
	case "TMĐT":
		return "thương mại điện tử"
	case "TMDV":
		return "thương mại dịch vụ"
	case "CSDL":
		return "cơ sở dữ liệu"
	case "CSHT":
		return "cơ sở hạ tầng"
	case "HĐLĐ":
		return "hợp đồng lao động"
	case "NLĐ":
		return "người lao động"
	case "NSDLĐ":
		return "người sử dụng lao động"
	case "XKLĐ":
		return "xuất khẩu lao động"
	case "BVCSTE":
		return "bảo vệ chăm sóc trẻ em"
	case "TE":
		return "trẻ em"
	case "BHTG":
		return "bảo hiểm tiền gửi"
	case "LHQ":
		return "liên hợp quốc"
	case "ĐHĐ":
		return "đại hội đồng"
	case "MG":
		return "mẫu giáo"
	case "ĐVT":
		return "đơn vị tính"
	case "ĐX":
		return "đông xuân"
	case "TBA":
		return "trạm biến áp"
	case "CTCP":
		return "công ty cổ phần"
	case "CTY", "Cty", "cty":
		return "công ty"
	case "ĐTV":
		return "đài truyền thanh"
	case "KTTĐ":
		return "kinh tế trọng điểm"
	case "ANM":
		return "an ninh mạng"
	case "ATTT":
		return "an toàn thông tin"
	case "TGĐ":
		return "tổng giám đốc"
	case "PCT":
		return "phó chủ tịch"
	case "PGĐ":
		return "phó giám đốc"
	case "PBT":
		return "phó bí thư"
	case "TBT":
		return "tổng bí thư"
	case "CBQL":
		return "cán bộ quản lý"
	case "CSVC":
		return "cơ sở vật chất"
	case "GTNT":
		return "giao thông nông thôn"
	case "TLNĐ":
		return "thuỷ lợi nội đồng"
	case "XĐGN":
		return "xoá đói giảm nghèo"
	case "BOT":
		return "bê ô tê"
	case "ODA":
		return "ô đê a"
	case "VAT":
		return "vê a tê"
	case "GDP":
		return "giê đê pê"
	case "FDI":
		return "ép đê i"
	case "SMS":
		return "ét em ét"
	case "ATM":
		return "a tê em"
	case "FM":
		return "ép em"
	case "AM":
		return "a em"
	case "HIV":
		return "hát i vê"
	case "AIDS":
		return "ết"
	case "HIV/AIDS":
		return "hát i vê ết"
	case "WHO":
		return "tổ chức y tế thế giới"
	}
	return ""
}
