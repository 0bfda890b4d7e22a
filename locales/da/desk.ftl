desk-role-helpdesk = Helpdesk
desk-role-administrator = Administrator
desk-role-auditor = Revisor
desk-nav-users = Find bruger
desk-nav-approvals = Godkendelser
desk-nav-approvals-n = Godkendelser ({ $n })
desk-nav-adoption = 2FA-udbredelse
desk-nav-audit = Hændelseslog
desk-nav-new = Ny konto
desk-nav-import = Import
desk-nav-services = Dine tjenester
desk-utc = Tiderne er i UTC.
desk-find-title = Find bruger
desk-find-label = Navn, e-mailadresse eller brugernavn
desk-find-submit = Søg
desk-find-filter = Filtrer efter tofaktorstatus
desk-find-all = Alle { $n }
desk-find-on = Til { $n }
desk-find-grace = Påmindes { $n }
desk-find-due = Over fristen { $n }
desk-find-exempt = Undtaget { $n }
desk-find-count = { $n ->
    [one] 1 bruger fundet
   *[other] { $n } brugere fundet
 }
desk-find-more-title = De første { $n }
desk-find-more = Der er flere end 50. Afgræns søgningen: tilføj en del af navnet, eller søg på hele e-mailadressen.
desk-find-none = Ingen bruger passer til “{ $query }”. Kontrollér stavningen, eller søg på hele e-mailadressen.
desk-find-nobody = Ingen står på denne liste.
desk-find-short = Indtast mindst 3 tegn
desk-find-last = Seneste login:
desk-find-never = Har aldrig logget ind
desk-find-disabled = Deaktiveret
desk-find-audited = Hver søgning skrives i hændelsesloggen.
desk-state-on = Til
desk-state-grace = { $days ->
    [one] Påmindes, 1 dag tilbage
   *[other] Påmindes, { $days } dage tilbage
 }
desk-state-reminding = Påmindes
desk-state-due = Over fristen
desk-state-exempt = Undtaget
desk-state-exempt-until = Undtaget til { $date }
desk-user-login = Brugernavn: { $login }
desk-user-on = Tofaktor til
desk-user-status = Status
desk-user-app = Godkendelsesapp
desk-user-enabled = Aktiveret
desk-user-last = Senest godkendte kode
desk-user-codes = Nødkoder
desk-user-codes-left = { $n } af { $total } tilbage
desk-user-devices = Betroede enheder
desk-user-sessions = Aktive sessioner
desk-user-signed-in = Seneste login
desk-user-never = Aldrig
desk-user-pw = Adgangskode ændret
desk-user-otc = Åben engangskode
desk-user-until = til
desk-user-paused = Koder på pause
desk-user-exempt-until = Undtaget til
desk-user-none = Ingen
desk-user-groups = Grupper
desk-user-disabled = Kontoen er deaktiveret
desk-user-audit-all = Vis alt
desk-user-help = Hjælp denne bruger
desk-user-help-note = Alt, hvad du gør her, skrives i hændelsesloggen, og brugeren får besked på e-mail.
desk-user-look = Din rolle må se denne konto, men ikke ændre noget.
desk-user-account = Konto
desk-user-issue = Udsted engangskode
desk-user-out = Log ud overalt
desk-user-untrust = Fjern betroede enheder
desk-user-reset = Nulstil godkendelsesappen
desk-user-reset-note = En nulstilling skal godkendes af en anden medarbejder.
desk-user-exempt = Undtag fra fristen
desk-user-unlock = Lås op
desk-user-password-reset = Start nulstilling af adgangskode
desk-user-groups-change = Ændr grupper
desk-user-disable = Deaktivér kontoen
desk-user-enable = Aktivér kontoen
desk-user-delete = Slet kontoen
desk-user-keep = Behold kontoen
desk-user-two-agents = Denne konto har en rolle i denne konsol. Alt, der gøres ved den, skal godkendes af en anden medarbejder.
desk-user-self = Du kan ikke udstede en kode eller en nulstilling for din egen konto.
desk-user-higher = Denne konto har en højere rolle end dig. En administrator kan hjælpe.
desk-user-contact = Kontoens kontaktoplysninger blev ændret { $date }. I 7 dage sendes der intet hemmeligt dertil: kontrollér nøje, hvem der spørger.
desk-user-deletion = Kontoen slettes { $date }.
desk-user-out-done = { $name } er logget ud overalt.
desk-user-out-count = { $n ->
    [one] 1 session blev afsluttet.
   *[other] { $n } sessioner blev afsluttet.
 }
desk-user-untrust-done = { $n ->
    [one] 1 betroet enhed er fjernet.
   *[other] { $n } betroede enheder er fjernet.
 }
desk-user-reset-wait = { $minutes ->
    [one] Nulstillingen venter på en anden medarbejder. Den bortfalder om 1 minut.
   *[other] Nulstillingen venter på en anden medarbejder. Den bortfalder om { $minutes } minutter.
 }
desk-user-wait = { $minutes ->
    [one] Det venter på en anden medarbejder. Det bortfalder om 1 minut.
   *[other] Det venter på en anden medarbejder. Det bortfalder om { $minutes } minutter.
 }
desk-user-reset-done = Godkendelsesappen er nulstillet.
desk-user-exempted = Undtaget fra fristen til { $date }.
desk-user-unlocked = Alle pauser er fjernet. Brugeren kan prøve igen med det samme.
desk-user-disabled-done = Kontoen er deaktiveret, og alle dens sessioner er afsluttet.
desk-user-enabled-done = Kontoen er aktiveret.
desk-user-groups-done = Grupperne er ændret.
desk-user-deletion-done = Kontoen er lukket og slettes { $date }. Indtil da kan den beholdes.
desk-user-kept = Kontoen bliver ikke slettet.
desk-user-reset-sent = Et link til at vælge en ny adgangskode er sendt til { $email }.
desk-user-created = Kontoen er oprettet.
desk-user-invited = Kontoen er oprettet, og en invitation er sendt til { $email }.
desk-off-authenticator = Der er ikke sat en godkendelsesapp op.
desk-off-devices = Der er ingen betroede enheder.
desk-off-sessions = Der er ingen aktive sessioner.
desk-off-paused = Intet er sat på pause.
desk-off-email = Kontoen har ingen e-mailadresse.
desk-off-contact = Kontaktoplysningerne er ændret inden for de seneste 7 dage.
desk-off-mail = E-mail er ikke sat op.
desk-off-waiting = Venter på en anden medarbejder.
desk-act-for = For
desk-act-issue = Den erstatter koden fra appen ved ét login. Brugeren skal stadig bruge adgangskoden.
desk-act-out = Alle sessioner afsluttes med det samme på alle enheder. Betroede enheder forbliver betroede.
desk-act-untrust = Alle enheder bliver bedt om en kode ved næste login.
desk-act-reset = Godkendelsesappen, nødkoderne og de betroede enheder fjernes, og alle sessioner afsluttes. Brugeren sætter en ny app op ved næste login.
desk-act-exempt = Indtil den dag kan brugeren logge ind uden at aktivere tofaktorgodkendelse, selv om reglerne kræver det.
desk-act-unlock = Pauser efter forkerte adgangskoder og koder fjernes. Adgangskoder og koder forbliver, som de er.
desk-act-password-reset = Brugeren får et link på e-mail og vælger en ny adgangskode. Du ser den ikke, og tofaktorgodkendelsen forbliver slået til.
desk-act-groups = Grupperne afgør, hvilke tjenester brugeren må åbne. Ændringen gælder med det samme.
desk-act-disable = Brugeren kan ikke længere logge ind, og alle sessioner afsluttes med det samme. Intet slettes.
desk-act-enable = Brugeren kan logge ind igen med den tidligere adgangskode og godkendelsesapp.
desk-act-delete = { $days ->
    [one] Kontoen lukkes med det samme og slettes efter 1 dag. Indtil da kan den beholdes.
   *[other] Kontoen lukkes med det samme og slettes efter { $days } dage. Indtil da kan den beholdes.
 }
desk-act-keep = Den planlagte sletning trækkes tilbage.
desk-act-second = Dette gælder, når en anden medarbejder har godkendt det.
desk-act-until = Undtagelsens sidste dag
desk-act-until-empty = Indtast undtagelsens sidste dag
desk-act-until-err = { $days ->
    [one] Vælg i morgen
   *[other] Vælg en dag fra og med i morgen, højst { $days } dage frem
 }
desk-groups-hint = Adskilt med komma
desk-groups-err = Et gruppenavn har bogstaver, cifre, punktum, bindestreg og understreg
desk-issue-title = Udsted engangskode
desk-issue-page = Udsted engangskode til { $name }
desk-issue-check = Hvordan kontrollerede du, at det er brugeren?
desk-issue-check-callback = Ringede tilbage til det registrerede nummer
desk-issue-check-manager = Lederen bekræftede
desk-issue-check-id = Så legitimation, personligt eller på video
desk-issue-check-err = Vælg, hvordan du kontrollerede, at det er brugeren
desk-issue-send = Hvordan får brugeren koden?
desk-issue-send-email = Send den til { $email }
desk-issue-send-mail = Send den på e-mail
desk-issue-send-email-hint = Du ser ikke koden.
desk-issue-send-show = Vis den til mig én gang, til chat eller telefon
desk-issue-send-err = Vælg, hvordan brugeren får koden
desk-issue-case = Sagsnummer
desk-issue-case-err = Indtast sagsnummeret
desk-issue-quota = { $minutes ->
    [one] Du har udstedt 5 engangskoder inden for en time. Prøv igen om 1 minut.
   *[other] Du har udstedt 5 engangskoder inden for en time. Prøv igen om { $minutes } minutter.
 }
desk-issue-submit = Udsted kode
desk-issue-cancel = Annullér
desk-issue-replaces = Brugeren har en åben kode. En ny erstatter den.
desk-shown-title = Engangskode til { $name }
desk-shown-valid = Gyldig til { $time } ({ $minutes } minutter), til ét login. Når du lukker dette, kan du ikke se den igen.
desk-shown-message-label = Besked til chatten
desk-shown-message = Din engangskode er { $code }. Vælg “Anden metode” i kodevinduet og derefter “Engangskode”. Den virker én gang, indtil { $time }. Ingen vil bede dig sige den tilbage.
desk-shown-copy = Kopiér beskeden
desk-shown-done = Færdig
desk-shown-sent = Koden er sendt til { $email }. Den er gyldig til { $time }.
desk-approvals-note = Det, en medarbejder beder om her, skal en anden godkende. Ring til medarbejderen, hvis noget virker mærkeligt.
desk-approvals-none = Intet venter på godkendelse.
desk-approvals-by = Anmodet af
desk-approvals-at = Anmodet
desk-approvals-check = Kontrolleret
desk-approvals-lapses = { $minutes ->
    [one] Bortfalder om 1 minut
   *[other] Bortfalder om { $minutes } minutter
 }
desk-approvals-own = Dette er din egen anmodning eller vedrører din konto. En anden skal afgøre den.
desk-approvals-approve = Godkend
desk-approvals-decline = Afvis
desk-approvals-approved = Godkendt og udført.
desk-approvals-declined = Afvist. Intet blev ændret.
desk-approvals-gone = Anmodningen er bortfaldet, eller en anden har afgjort den.
desk-adopt-title = 2FA-udbredelse
desk-adopt-csv = Download CSV
desk-adopt-on-hint = { $n } af { $total } brugere
desk-adopt-grace-hint = kan stadig udskyde
desk-adopt-due-hint = skal aktivere for at logge ind
desk-adopt-exempt-hint = hver til en bestemt dag
desk-adopt-chart = Andel brugere med tofaktor til
desk-adopt-deadline = Sidste frist, { $date }
desk-adopt-alt = Fra { $a } % i ugen { $date } til { $b } % i ugen { $date2 }.
desk-adopt-alt-one = { $b } % i ugen { $date2 }.
desk-adopt-empty = Der er ingen ugetal endnu.
desk-adopt-numbers = Vis tallene
desk-adopt-per-week = Andel pr. uge
desk-adopt-week = Uge fra
desk-adopt-row = Til, %
desk-adopt-groups = Pr. gruppe
desk-adopt-table = Tabel over grupper
desk-adopt-th-group = Gruppe
desk-adopt-th-users = Brugere
desk-trail-event = Hændelse
desk-trail-any = Alle
desk-trail-actor = Udført af
desk-trail-from = Fra
desk-trail-to = Til
desk-trail-dates-err = Indtast to dage, den tidligste først
desk-trail-note = Loggen kan læses, men ikke ændres.
desk-trail-none = Intet er registreret.
desk-trail-export = Eksportér (JSON Lines)
desk-trail-newest = Nyeste
desk-trail-older = Ældre
desk-trail-whom = Konto
desk-trail-who = Udført af
desk-trail-where = Fra
desk-new-name = Navn
desk-new-name-err = Indtast navnet
desk-new-login = Brugernavn
desk-new-login-empty = Indtast brugernavnet
desk-new-login-bad = Dette brugernavn kan ikke bruges
desk-new-login-taken = Der findes en konto med dette brugernavn
desk-new-email = E-mailadresse
desk-new-email-bad = Indtast en hel e-mailadresse, for eksempel navn@example.com
desk-new-email-empty = En invitation kræver en e-mailadresse
desk-new-email-taken = Der findes en konto med denne e-mailadresse
desk-new-language-any = Organisationens
desk-new-start = Hvordan begynder brugeren?
desk-new-start-err = Vælg, hvordan brugeren begynder
desk-new-invite = Med en invitation på e-mail
desk-new-invite-hint = Brugeren vælger en adgangskode. Du ser den ikke.
desk-new-show = Med en startadgangskode, der vises for mig én gang
desk-new-show-hint = Brugeren skal ændre den ved første login.
desk-new-submit = Opret konto
desk-secret-title = Startadgangskode til { $name }
desk-secret-until = Den virker til { $time } UTC.
desk-secret-note = Brugeren skal ændre den ved første login. Når du lukker dette, kan du ikke se den igen.
desk-import-title = Importér konti
desk-import-label = Konti
desk-import-hint = Indsæt CSV med en overskriftslinje eller JSON Lines. Intet oprettes, før du har set, hvad hver linje ville gøre.
desk-import-preview = Kontrollér
desk-import-check = Intet er oprettet endnu. Linjer med problemer og konti, der findes, udelades.
desk-import-submit = { $n ->
    [one] Opret 1 konto
   *[other] Opret { $n } konti
 }
desk-import-again = Begynd forfra
desk-import-more = Importér flere
desk-import-report = Hvad der ville ske
desk-import-result = Hvad der blev gjort
desk-import-lines = Rapport, linje for linje
desk-import-th-line = Linje
desk-import-th-who = Konto
desk-import-th-what = Resultat
desk-import-new = { $n ->
    [one] 1 ny
   *[other] { $n } nye
 }
desk-import-created = { $n ->
    [one] 1 oprettet
   *[other] { $n } oprettet
 }
desk-import-exists = { $n ->
    [one] 1 findes
   *[other] { $n } findes
 }
desk-import-problems = { $n ->
    [one] 1 problem
   *[other] { $n } problemer
 }
desk-import-line-new = Ny
desk-import-line-created = Oprettet
desk-import-line-exists = Findes
desk-import-line-problem = Problem
desk-forbidden-title = Din rolle tillader ikke dette
desk-forbidden-body = Du er logget ind, men denne del af konsollen er for en anden rolle. Hvis du skal bruge den i dit arbejde, så spørg den, der styrer adgange i din organisation.
desk-new-role-err = Grupper, der giver en rolle i konsollen, gives bagefter sammen med en anden medarbejder
desk-import-err-line = Linjen kan ikke læses: { $name }
desk-import-err-login = Dette brugernavn kan ikke bruges
desk-import-err-email = Dette er ikke en e-mailadresse
desk-import-err-group = Dette kan ikke være en gruppe: { $name }
desk-import-err-twice = Står allerede på linje { $name }
desk-import-err-taken = E-mailadressen hører til en anden konto
desk-import-err-role = Gruppen { $name } giver en rolle i konsollen: giv den bagefter sammen med en anden medarbejder
desk-import-err-password = Adgangskoder importeres kun på kommandolinjen
desk-import-err-text = Dette er ikke tekst i UTF-8
desk-import-err-empty = Indsæt mindst én konto
desk-import-err-many = For mange linjer: højst { $name } ad gangen
desk-import-err-large = Dette er for stort: højst 1 MiB ad gangen
desk-import-err-stale = Det sendte er ikke det, der blev kontrolleret. Kontrollér igen
desk-act-last-administrator = Der ville ikke være nogen administrator tilbage. Giv først rollen til en anden.
desk-act-no-mail = Der kan ikke sendes e-mail til denne bruger: adressen mangler eller blev ændret inden for de seneste 7 dage, eller e-mail er ikke sat op.
