"""The same short account of a harbour in many languages, written for the tests of rules on text."""

import unicodedata
from typing import NamedTuple


class Language(NamedTuple):
    """Sentences of one language.

    Attributes:
        sentences: Five different ones; the first has a place for a name.
        names: Three short ones.
        question: One that is asked.
        more: An invitation to read on.
    """

    sentences: tuple[str, ...]
    names: tuple[str, str, str]
    question: str
    more: str

    def text(self, name: int = 0) -> str:
        """All sentences, with one of the names."""
        return " ".join(self.sentences).replace("{}", self.names[name])


LANGUAGES = {
    "en": Language(
        (
            "The harbour master of {} writes the name of every ship into a book on the day when it comes in.",
            "In spring he reads the whole list aloud before the people of the village and their children.",
            "Those who come by train should leave it at the second station and walk along the river.",
            "A small fee is taken at the gate, and all of it goes to the lamps along the old pier.",
            "Whoever wants to stay for the night asks the baker, who keeps the keys of four dry rooms.",
        ),
        ("Greenford", "Whitby", "Redhill"),
        "Where does the last boat leave for the island on a Sunday in winter?",
        "Read more",
    ),
    "de": Language(
        (
            "Der Hafenmeister von {} schreibt den Namen jedes Schiffes am Tag der Ankunft in ein großes Buch.",
            "Im Frühling liest er die ganze Liste den Leuten des Dorfes und ihren Kindern laut vor.",
            "Wer mit dem Zug kommt, steigt am zweiten Bahnhof aus und geht zu Fuß am Fluss entlang.",
            "Am Tor wird eine kleine Gebühr erhoben, die ganz für die Lampen der alten Mole gebraucht wird.",
            "Wer über Nacht bleiben möchte, fragt den Bäcker, der die Schlüssel für vier trockene Zimmer hat.",
        ),
        ("Lüdersruh", "Grünau", "Weißensee"),
        "Wo fährt im Winter am Sonntag das letzte Boot zur Insel ab?",
        "Weiterlesen",
    ),
    "fr": Language(
        (
            "Le capitaine du port de {} écrit dans un livre le nom de chaque navire le jour de son arrivée.",
            "Au printemps, il lit toute la liste à voix haute devant les gens du village et leurs élèves.",
            "Ceux qui viennent par le train descendent à la deuxième gare et marchent le long de la rivière.",
            "On paie à l’entrée une petite somme, qui sert tout entière aux lampes de la vieille jetée.",
            "Pour passer la nuit, il faut demander au boulanger, qui garde les clés de quatre chambres sèches.",
        ),
        ("Brévigny", "Hérault", "Sainte-Cécile"),
        "D’où part en hiver le dernier bateau du dimanche pour l’île ?",
        "Lire la suite",
    ),
    "tr": Language(
        (
            "{} liman başkanı her geminin adını geldiği gün kalın bir deftere kendi eliyle yazar.",
            "İlkbaharda bütün listeyi köy halkının ve çocukların önünde yüksek sesle tek tek okur.",
            "Trenle gelenler ikinci istasyonda inmeli ve ırmak boyunca ıslak taşlara basmadan yürümelidir.",
            "Kapıda küçük bir ücret alınır ve bu paranın hepsi eski iskelenin ışıkları için harcanır.",
            "Geceyi burada geçirmek isteyenler dört kuru odanın anahtarlarını saklayan fırıncıya sormalıdır.",
        ),
        ("Işıklı", "İnceköy", "Sığacık"),
        "Kış aylarında pazar günü adaya giden son tekne nereden kalkıyor?",
        "Devamını oku",
    ),
    "ru": Language(
        (
            "Начальник порта {} записывает имя каждого корабля в толстую книгу в день его прихода.",
            "Весной он читает весь список вслух перед жителями деревни и их шумными детьми.",
            "Тем, кто едет поездом, нужно выйти на второй станции и идти пешком вдоль тихой реки.",
            "У ворот берут небольшую плату, и вся она уходит на фонари старого деревянного причала.",
            "Кто хочет остаться на ночь, спрашивает пекаря, у которого ключи от четырёх сухих комнат.",
        ),
        ("Липово", "Ёлкино", "Заречье"),
        "Откуда зимой по воскресеньям уходит последняя лодка на остров?",
        "Читать далее",
    ),
    "el": Language(
        (
            "Ο λιμενάρχης στο {} γράφει το όνομα κάθε πλοίου σε ένα βιβλίο την ημέρα που φτάνει.",
            "Την άνοιξη διαβάζει δυνατά ολόκληρο τον κατάλογο μπροστά στους κατοίκους του χωριού.",
            "Όσοι έρχονται με το τρένο κατεβαίνουν στον δεύτερο σταθμό και περπατούν δίπλα στο ποτάμι.",
            "Στην πύλη πληρώνουν ένα μικρό ποσό, που πηγαίνει όλο στα φανάρια της παλιάς προβλήτας.",
            "Όποιος θέλει να μείνει τη νύχτα ρωτά τον φούρναρη, που κρατά τα κλειδιά τεσσάρων δωματίων.",
        ),
        ("Λιμάνι", "Πέτρας", "Ακρωτήρι"),
        "Από πού φεύγει τον χειμώνα την Κυριακή το τελευταίο καράβι για το νησί;",
        "Διαβάστε περισσότερα",
    ),
    "ar": Language(
        (
            "يكتب مدير ميناء {} اسم كل سفينة في دفتر كبير في اليوم الذي تصل فيه إلى الرصيف.",
            "وفي الربيع يقرأ القائمة كلها بصوت عال أمام أهل القرية وأطفالهم قرب البحر.",
            "على من يأتي بالقطار أن ينزل في المحطة الثانية وأن يمشي على طول النهر الهادئ.",
            "يدفع الزائر عند البوابة مبلغا صغيرا يذهب كله إلى مصابيح الجسر الخشبي القديم.",
            "ومن أراد أن يبيت هنا فليسأل الخباز الذي يحفظ مفاتيح أربع غرف جافة ونظيفة.",
        ),
        ("الصفا", "الوردة", "المنارة"),
        "من أين يغادر القارب الأخير إلى الجزيرة يوم الأحد في فصل الشتاء؟",
        "اقرأ المزيد",
    ),
    "he": Language(
        (
            "מְנַהֵל הַנָּמֵל שֶׁל {} כּוֹתֵב אֶת שֵׁם כָּל סְפִינָה בְּסֵפֶר גָּדוֹל בְּיוֹם בּוֹאָהּ.",
            "בָּאָבִיב הוּא קוֹרֵא אֶת כָּל הָרְשִׁימָה בְּקוֹל רָם לִפְנֵי אַנְשֵׁי הַכְּפָר וְיַלְדֵיהֶם.",
            "מִי שֶׁבָּא בָּרַכֶּבֶת יוֹרֵד בַּתַּחֲנָה הַשְּׁנִיָּה וְהוֹלֵךְ בָּרֶגֶל לְאֹרֶךְ הַנָּהָר.",
            "בַּשַּׁעַר מְשַׁלְּמִים סְכוּם קָטָן וְכֻלּוֹ הוֹלֵךְ לַמְּנוֹרוֹת שֶׁל הַמֵּזַח הַיָּשָׁן.",
            "מִי שֶׁרוֹצֶה לִישֹׁן כָּאן שׁוֹאֵל אֶת הָאוֹפֶה הַשּׁוֹמֵר עַל מַפְתְּחוֹת שֶׁל אַרְבָּעָה חֲדָרִים.",
        ),
        ("כַּרְמִי", "שַׁלְוָה", "גִּבְעָה"),
        "מֵאַיִן יוֹצֵאת בַּחֹרֶף בְּיוֹם רִאשׁוֹן הַסִּירָה הָאַחֲרוֹנָה אֶל הָאִי?",
        "קרא עוד",
    ),
    "hi": Language(
        (
            "{} के बंदरगाह का अधिकारी हर जहाज़ का नाम उसके आने के दिन एक मोटी किताब में लिखता है।",
            "वसंत में वह पूरी सूची गाँव के लोगों और उनके बच्चों के सामने ज़ोर से पढ़कर सुनाता है।",
            "जो लोग रेल से आते हैं उन्हें दूसरे स्टेशन पर उतरकर नदी के किनारे पैदल चलना चाहिए।",
            "फाटक पर थोड़ा सा शुल्क लिया जाता है और वह सारा पुराने घाट की बत्तियों पर खर्च होता है।",
            "जो रात को यहाँ रुकना चाहे वह नानबाई से पूछे जिसके पास चार सूखे कमरों की चाबियाँ हैं।",
        ),
        ("रामपुर", "सीतापुर", "किशनगढ़"),
        "सर्दियों में रविवार को द्वीप के लिए आख़िरी नाव कहाँ से चलती है?",
        "और पढ़ें",
    ),
    "ko": Language(
        (
            "{} 항구의 책임자는 배가 들어오는 날마다 그 이름을 두꺼운 공책에 직접 적어 둔다.",
            "봄이 되면 그는 마을 사람들과 아이들 앞에서 모든 이름을 큰 소리로 읽어 준다.",
            "기차로 오는 사람은 두 번째 역에서 내려 조용한 강을 따라 천천히 걸어야 한다.",
            "문 앞에서 받는 적은 요금은 모두 오래된 나무 부두의 등불을 켜는 데 쓰인다.",
            "하룻밤 묵고 싶은 사람은 마른 방 네 개의 열쇠를 가진 빵집 주인에게 물어보면 된다.",
        ),
        ("청석", "백사", "홍천"),
        "겨울 일요일에 섬으로 가는 마지막 배는 도대체 어디에서 출발합니까?",
        "더 보기",
    ),
    "zh": Language(
        (
            "{}港口的管理员在每条船到达的那一天把它的名字写进一本厚厚的册子里。",
            "到了春天，他就站在码头上把整张名单大声念给村里的大人和孩子们听。",
            "坐火车来的客人应该在第二个车站下车，然后沿着安静的河岸慢慢走过来。",
            "门口只收一点点费用，所有的钱都用来点亮旧木头栈桥上面的那些灯。",
            "想要在这里过夜的人可以去问面包师傅，他保管着四间干燥房间的钥匙。",
        ),
        ("青石", "白沙", "红河"),
        "冬天的星期日开往小岛的最后一班船到底是从哪里出发的呢？",
        "阅读更多",
    ),
    "ja": Language(
        (
            "{}の港の管理人は、船が着いたその日に船の名前を厚い帳面に書き込みます。",
            "春になると、彼は村の人々と子どもたちの前で名簿をすべて大きな声で読み上げます。",
            "列車で来る人は二つ目の駅で降りて、静かな川に沿ってゆっくり歩いてください。",
            "門のところで受け取るわずかな料金は、古い桟橋の明かりのためにすべて使われます。",
            "泊まりたい人は、乾いた四つの部屋の鍵を預かっているパン屋の主人に尋ねてください。",
        ),
        ("青石", "白浜", "赤羽"),
        "冬の日曜日に島へ向かう最後の船は、いったいどこから出るのでしょうか？",
        "続きを読む",
    ),
    "th": Language(
        (
            "นายท่าเรือของ{}จดชื่อเรือทุกลำลงในสมุดเล่มหนาในวันที่เรือลำนั้นมาถึงท่า",
            "พอถึงฤดูใบไม้ผลิเขาจะอ่านรายชื่อทั้งหมดเสียงดังต่อหน้าชาวบ้านและเด็กๆ",
            "ผู้ที่มาโดยรถไฟควรลงที่สถานีที่สองแล้วเดินเลียบแม่น้ำที่เงียบสงบไปเรื่อยๆ",
            "ค่าผ่านประตูเล็กน้อยที่เก็บจากผู้มาเยือนนั้นใช้สำหรับโคมไฟบนสะพานไม้เก่าทั้งหมด",
            "ใครอยากค้างคืนที่นี่ให้ถามคนทำขนมปังซึ่งเก็บกุญแจของห้องแห้งสี่ห้องเอาไว้",
        ),
        ("หินเขียว", "ทรายขาว", "น้ำแดง"),
        "ในฤดูหนาววันอาทิตย์เรือเที่ยวสุดท้ายไปเกาะออกจากที่ไหนกันแน่?",
        "อ่านต่อ",
    ),
    "my": Language(
        (
            "{}ဆိပ်ကမ်းမှူးသည် သင်္ဘောတိုင်း၏အမည်ကို ရောက်လာသောနေ့တွင် စာအုပ်ထူကြီးထဲ၌ ရေးမှတ်သည်။",
            "နွေဦးရောက်လျှင် သူသည် စာရင်းအားလုံးကို ရွာသားများနှင့် ကလေးများရှေ့တွင် အသံကျယ်ကျယ် ဖတ်ပြသည်။",
            "ရထားဖြင့်လာသူများသည် ဒုတိယဘူတာတွင်ဆင်းပြီး တိတ်ဆိတ်သောမြစ်ကမ်းတစ်လျှောက် လမ်းလျှောက်ရမည်။",
            "တံခါးဝတွင်ယူသော အခကြေးငွေအနည်းငယ်ကို သစ်သားတံတားဟောင်း၏မီးများအတွက် အကုန်အသုံးပြုသည်။",
            "ညအိပ်လိုသူများသည် ခြောက်သွေ့သောအခန်းလေးခန်း၏သော့ကို သိမ်းထားသည့် မုန့်ဖုတ်သမားကို မေးပါ။",
        ),
        ("ကျောက်စိမ်း", "သဲဖြူ", "မြစ်နီ"),
        "ဆောင်းရာသီ တနင်္ဂနွေနေ့တွင် ကျွန်းသို့သွားသော နောက်ဆုံးလှေသည် မည်သည့်နေရာမှ ထွက်သနည်း။",
        "ဆက်ဖတ်ရန်",
    ),
}


def composed(text: str) -> str:
    """A text in normal form C."""
    return unicodedata.normalize("NFC", text)


def decomposed(text: str) -> str:
    """A text in normal form D."""
    return unicodedata.normalize("NFD", text)
